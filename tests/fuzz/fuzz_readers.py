"""Fuzzes a reader of records with atheris, which follows what its inputs reach and varies those that reach more.

    python tests/fuzz/fuzz_readers.py pgn -max_total_time=1200

The target is the name of a format; that and ``-played``, where what was read is also played by the rules and encoded;
or ``file`` (archives, compressions, all formats by content). What follows are options of libFuzzer. An exception, a
hang of more than ``-timeout`` seconds (20 where not given) or memory above ``-rss_limit_mb`` (1024) ends the run and
leaves the input in ``runs/fuzz``; once mended it belongs into ``tests/fuzz/findings/TARGET/``, where the tests read it
ever after. Needs ``pip install atheris`` (Linux).
"""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

DEFAULTS = {"-timeout": "20", "-rss_limit_mb": "1024", "-max_len": "8192", "-print_final_stats": "1"}


def main(arguments: list[str]) -> None:
    """Never returns: libFuzzer ends the process."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: pip install atheris")
    with atheris.instrument_imports(include=["gameil.records"]):
        # Beside this file, not as ``tests.fuzz``: an installed package may be called ``tests`` too.
        from seeds import seeds, words
        from targets import check, targets

        from gameil.records.formats import known_formats

        for name in known_formats():
            _import_format(name)
    if len(arguments) < 2 or arguments[1] not in targets():
        sys.exit(f"usage: {arguments[0]} {'|'.join(targets())} [-max_total_time=SECONDS] [...]")
    target = arguments[1]
    directory = REPOSITORY / "runs" / "fuzz" / target
    corpus = directory / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(target)):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    given = {argument.partition("=")[0] for argument in arguments[2:]}
    options = [f"{name}={value}" for name, value in DEFAULTS.items() if name not in given]
    if words(target):
        dictionary = directory / "words.dict"
        dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in words(target)), encoding="ascii")
        options.append(f"-dict={dictionary}")
    options += [f"-artifact_prefix={directory}/", *arguments[2:], str(corpus)]
    atheris.Setup([arguments[0], *options], lambda data: check(target, data))
    atheris.Fuzz()


def _import_format(name: str) -> None:
    """Imports a format's functions while imports are instrumented."""
    from gameil.records.formats import known_formats, load_function

    format = known_formats()[name]
    for place in (format.splitter, format.parser, format.writer):
        if place is not None:
            load_function(place)


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main(sys.argv)

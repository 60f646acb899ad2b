"""How a run can be had again: its configuration as the TOML file that the command takes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gameil.reports.svg import escape


def reproduce_html(stage: str, config: Mapping[str, Any], version: str) -> str:
    """The command, and the file it needs, folded away."""
    if stage == "pipeline":
        text, command = pipeline_toml(config), "gameil run pipeline.toml"
        name = "pipeline.toml"
    else:
        text, name = toml_text(config), f"{stage}.toml"
        command = f"gameil {stage} {name}"
    seed = config.get("seed")
    seeds = f" Its seed is {seed}: equal seeds give equal games, where nobody thinks by the clock." if seed else ""
    return (
        f'<h2 id="reproduce">How to have this again</h2><p>With gameil {escape(version)}: save the configuration as '
        f"<code>{escape(name)}</code> and run <code>{escape(command)}</code>.{escape(seeds)}</p>"
        f'<details><summary>{escape(name)}</summary><pre class="file">{escape(text)}</pre></details>'
    )


def pipeline_toml(config: Mapping[str, Any]) -> str:
    """A pipeline's configuration as its file: what is said of the whole, then one ``[[stage]]`` after the other."""
    parts = [toml_text({name: value for name, value in config.items() if name != "stage"})]
    for table in config.get("stage", []):
        head = {name: table[name] for name in ("kind", "name", "note") if table.get(name)}
        parts.append("[[stage]]\n" + toml_text({**head, **table.get("fields", {})}))
    return "\n".join(part for part in parts if part)


def toml_text(values: Mapping[str, Any]) -> str:
    """Plain JSON values as TOML, with dotted keys for what is nested; null values, which TOML lacks, are left out."""
    lines: list[str] = []
    _write(values, "", lines)
    return "".join(f"{line}\n" for line in lines)


def _write(values: Mapping[str, Any], prefix: str, lines: list[str]) -> None:
    for name, value in values.items():
        key = f"{prefix}{_key(str(name))}"
        if isinstance(value, Mapping) and value:
            _write(value, f"{key}.", lines)
        elif value is not None:
            lines.append(f"{key} = {_value(value)}")


def _key(name: str) -> str:
    bare = name and all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in name)
    return name if bare else json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(k))} = {_value(v)}" for k, v in value.items() if v is not None) + " }"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_value(item) for item in value if item is not None) + "]"
    # TOML's strings are JSON's, but for DEL, which must be escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f") if isinstance(value, str) else repr(value)

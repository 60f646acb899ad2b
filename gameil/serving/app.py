"""Puts the site together: pages on one FastAPI application, served by uvicorn."""

import os
import platform
import warnings
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse

from gameil.agents.engine_process import known_to_user
from gameil.errors import ConfigError
from gameil.serving.access import Access
from gameil.serving.agent_service import AgentService
from gameil.serving.guard import Guard
from gameil.serving.library import Library
from gameil.serving.menu import GamesMenu
from gameil.serving.site import ServeConfig, Site
from gameil.serving.tables import Tables

Register = Callable[[Site], None]
_HISTORY = 50
"""Updates of a page kept for a browser that comes back after an interruption; each may hold a whole board."""
_TAB_SECONDS = 600.0
"""What is stored for a browser's tab that is gone is dropped after so long."""


def build_site(config: ServeConfig) -> Site:
    """Everything but the pages."""
    named = dict(config.named(text) for text in config.agents)
    agents = AgentService(
        named,
        runs=config.runs,
        max_agents=config.max_agents,
        seed=config.seed,
        engines=known_to_user(config.engines),
    )
    tables = Tables(
        agents,
        most=config.max_tables,
        idle_minutes=config.idle_minutes,
        seed=config.seed,
        tick_seconds=config.tick_seconds,
    )
    library = Library(config.watch, config.runs, config.data)
    return Site(config, agents, tables, GamesMenu(config.games), library)


def build_app(config: ServeConfig, access: Access) -> FastAPI:
    """The application with all its pages. One a process: NiceGUI keeps its pages in one global place."""
    # NiceGUI would write below the current directory; only the data directory is written to.
    os.environ["NICEGUI_STORAGE_PATH"] = str(config.data / "nicegui")
    from nicegui import ui

    from gameil.serving import collection_page, dashboard_page, label_page, play_page, table_page, watch_page

    site = build_site(config)
    pages = (play_page, table_page, watch_page, collection_page, label_page, dashboard_page)
    registers: tuple[Register, ...] = tuple(page.register for page in pages)
    for register in registers:
        register(site)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    ui.run_with(app, title="gameil", dark=None, show_welcome_message=False, message_history_length=_HISTORY)
    # When it starts, it looks at every object that there is, also at what torch has deprecated.
    warnings.filterwarnings("ignore", category=FutureWarning, message=".*torch.distributed.reduce_op.*")
    _harden()
    app.add_middleware(Guard, access=access, limits=config.limits)
    return app


def _harden() -> None:
    """Takes from the web framework what strangers could fill memory or terminals with."""
    from nicegui import app as pages
    from nicegui import core

    async def not_found(request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse("there is no such page", status_code=404)

    pages.add_exception_handler(404, not_found)  # its own makes a page with a connection to come
    pages.storage.max_tab_storage_age = _TAB_SECONDS
    core.sio.handlers["/"].pop("log", None)  # lets browsers write into the server's log


def serve(config: ServeConfig, say: Callable[[str], None]) -> None:
    """Serves until interrupted.

    Args:
        config: what to serve.
        say: told the address, and where tokens are wanted the links to hand out.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    access = Access(config.host, config.names, config.data)
    settings = uvicorn.Config(
        build_app(config, access),
        host=config.host,
        port=config.port,
        log_level="error",
        ws_max_size=config.limits.message_bytes,
        limit_concurrency=config.limits.connections,
        proxy_headers=bool(config.names),  # nobody else may say whom a request comes from
        server_header=False,
    )
    try:
        listening = settings.bind_socket()
    except SystemExit as error:  # uvicorn has told why
        raise ConfigError(f"cannot listen on {config.host} port {config.port}") from error
    listening.listen(settings.backlog)  # who follows the address at once waits instead of being refused
    port = listening.getsockname()[1]
    host = f"[{config.host}]" if ":" in config.host else config.host
    say(f"gameil serves on http://{host}:{port}  (Ctrl-C ends it)")
    everywhere = config.host in ("0.0.0.0", "::")  # no address that others could open
    shown = f"https://{config.names[0]}" if config.names else f"http://{platform.node() if everywhere else host}:{port}"
    for role, link in access.links(shown):
        say(f"  {role:<6} {link}")
    uvicorn.Server(settings).run(sockets=[listening])

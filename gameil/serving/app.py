"""Puts the site together: pages on one FastAPI application, served by uvicorn."""

import os
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from gameil.serving.agent_service import AgentService
from gameil.serving.site import ServeConfig, Site
from gameil.serving.tables import Tables

Register = Callable[[Site], None]


def build_site(config: ServeConfig) -> Site:
    """Everything but the pages."""
    named = dict(config.named(text) for text in config.agents)
    agents = AgentService(named, max_agents=config.max_agents, seed=config.seed)
    return Site(config, agents, Tables())


def build_app(config: ServeConfig) -> FastAPI:
    """The application with all its pages. One a process: NiceGUI keeps its pages in one global place."""
    # NiceGUI would write below the current directory; only the data directory is written to.
    os.environ["NICEGUI_STORAGE_PATH"] = str(config.data / "nicegui")
    from nicegui import ui

    from gameil.serving import play_page

    site = build_site(config)
    registers: tuple[Register, ...] = (play_page.register,)
    for register in registers:
        register(site)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    ui.run_with(app, title="gameil", dark=None, show_welcome_message=False)
    return app


def serve(config: ServeConfig) -> None:
    """Serves until interrupted."""
    uvicorn.run(build_app(config), host=config.host, port=config.port, log_level="warning")

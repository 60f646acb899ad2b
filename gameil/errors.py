"""Every error that gameil raises on purpose. The command line prints them as one clear line, without a traceback.

GameilError
  x ConfigError        a configuration, flag or spec string is wrong
  x GameError          a game id or a parameter is unknown or out of bounds
    + IllegalActionError   an action is not among the legal ones
    + NotationError        a written move cannot be read in this state
  x RecordsError       a source of records cannot be read at all (bad games inside one are values, not exceptions)
  x DownloadError      a public source of records cannot be fetched
  x DatasetError       a dataset is missing, of another game, of another version, or locked
  x CheckpointError    a checkpoint or snapshot is missing, torn or does not fit
  x AgentError         an agent cannot be built or failed while playing
    + EngineError          an external engine is missing, hung or crashed
  x ShapeError         an array does not have the shape of its contract
"""

from typing import Literal


class GameilError(Exception):
    """Base of all errors that are the user's to mend; its text is one line naming the thing and the bound."""


class ConfigError(GameilError):
    """A configuration file, flag or spec string is wrong."""


class GameError(GameilError):
    """A game id or one of its parameters is unknown or out of bounds."""


class IllegalActionError(GameError):
    """An action is not legal in the state it was applied to."""


class NotationError(GameError):
    """A written move cannot be read in this state."""

    def __init__(self, message: str, kind: Literal["malformed", "illegal", "ambiguous"] = "illegal") -> None:
        super().__init__(message)
        self.kind = kind
        """Whether the text is no move at all, no legal move here, or more than one."""


class RecordsError(GameilError):
    """A source of game records cannot be opened or recognised."""


class DownloadError(GameilError):
    """A public source of records is unknown, cannot be reached, or sends something else than it should."""


class DatasetError(GameilError):
    """A dataset is missing, of another game, of an unknown version, sealed, or locked by another writer."""


class CheckpointError(GameilError):
    """A checkpoint or snapshot is missing, torn, or does not fit the configuration."""


class AgentError(GameilError):
    """An agent cannot be built from its spec, or failed while playing."""


class EngineError(AgentError):
    """An external engine is missing, hung past its time limit, or crashed."""


class EngineTimeoutError(EngineError):
    """An external engine gave no answer within its time limit."""


class ShapeError(GameilError):
    """An array does not have the shape its contract states."""

"""The error tree. Each error says what is wrong, where, and what to do about it."""

from typing import Literal


class VlmBenchError(Exception):
    """Base of every error this project raises on purpose; shown to people without a traceback."""

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        """Keep the three parts of a useful message.

        Args:
            what: What is wrong, as one sentence without a final stop.
            where: File, key, row, plugin or cell it was found in.
            fix: What the reader can do about it.
        """
        super().__init__(what, where, fix)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        """Render ``where: what. fix``; after a list, `fix` stands on a line of its own."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        if not self.fix:
            return head
        return f"{head.rstrip()}\n{self.fix}" if "\n" in self.what else f"{head}. {self.fix}"


class CatalogError(VlmBenchError):
    """A registry entry is wrong. Fixed by whoever wrote the YAML file."""


class PluginError(VlmBenchError):
    """A plugin package is wrong or broken. Fixed by the plugin's author, or by uninstalling it."""


class DatasetError(VlmBenchError):
    """A dataset's source cannot be read as declared. Fixed in the source files or the dataset entry."""


class ModelError(VlmBenchError):
    """A model cannot be loaded or asked: a missing binary, weights, key. Fixed by the model's user."""


class RequestError(VlmBenchError):
    """One request cannot be answered, others can. Raised by models; costs that request's row only."""

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        fix: str = "",
        transient: bool = False,
        retry_after_s: float | None = None,
        status: Literal["refused", "truncated", "parse_failed", "timeout", "error"] = "error",
    ) -> None:
        """Keep what the runner needs to know.

        Args:
            what: What is wrong.
            where: Where it was found.
            fix: What the reader can do about it.
            transient: Whether the same request may succeed later.
            retry_after_s: When the server asked to be asked again, in seconds.
            status: Status of the row when it is given up.
        """
        super().__init__(what, where=where, fix=fix)
        self.transient = transient
        self.retry_after_s = retry_after_s
        self.status = status


class EnvironmentUnavailableError(VlmBenchError):
    """An environment cannot be prepared or entered. Fixed in the environment entry or on the machine."""


class WorkerError(VlmBenchError):
    """A worker ended without finishing its job. The message carries exit status and the end of its log."""


class ContractError(VlmBenchError):
    """A table breaks its contract. Names file, row, column, value and rule; the file is kept."""


class ExchangeError(VlmBenchError):
    """A file of another tool cannot be imported, or results cannot be exported. Names file and row; nothing is kept."""


class WorkspaceError(VlmBenchError):
    """A workspace is missing or its files cannot be used. Fixed with `vlmbench init` or `--workspace`."""

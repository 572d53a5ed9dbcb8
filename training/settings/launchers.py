"""Settings of the launchers: ``launchers.toml`` and the command line become validated values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Annotated, Any, Final, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from db.paths import launchers_path
from training.errors import SettingsError
from training.settings.toml_files import parse_option, read_toml
from training.settings.training import Frozen, faults_of

Kind = Literal["local", "accelerate", "ray"]
Sharding = Literal["auto", "none", "full"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class LocalLauncher(Frozen):
    """One process on this machine."""

    kind: Literal["local"] = "local"


class AccelerateLauncher(Frozen):
    """Several processes of this machine, one for each graphics card, which share each step."""

    kind: Literal["accelerate"] = "accelerate"
    num_processes: int = Field(2, ge=2, le=64, description="processes that split each step")
    sharding: Sharding = Field(
        "auto",
        description="training: whether the base model is divided among the processes (full) or each"
        " holds it whole (none); auto divides what would not fit a graphics card",
    )


def _checked_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError(
            "expected http://HOST:PORT or https://HOST:PORT of the cluster's dashboard"
        )
    return text.rstrip("/")


def _checked_storage(text: str) -> str:
    if not (text.startswith("/") or "://" in text):
        raise ValueError("expected an absolute folder, or an address such as s3://bucket/folder")
    return text.rstrip("/")


class RayLauncher(Frozen):
    """A job on a Ray cluster; its token comes from Ray's own environment, never from settings."""

    kind: Literal["ray"] = "ray"
    address: Annotated[str, AfterValidator(_checked_address)] = Field(
        "http://127.0.0.1:8265", description="of the cluster's dashboard"
    )
    storage: Annotated[str, AfterValidator(_checked_storage)] = Field(
        description="folder or address that this machine and every node of the cluster reach"
    )
    num_processes: int = Field(
        1, ge=1, le=1024, description="training: processes on one node; predicting: actors"
    )
    num_cpus: float = Field(1, ge=0, description="cores for each process")
    num_gpus: float = Field(0, ge=0, description="graphics cards for each process")


Launcher = LocalLauncher | AccelerateLauncher | RayLauncher
_ADAPTER: TypeAdapter[Launcher] = TypeAdapter(Annotated[Launcher, Field(discriminator="kind")])
LOCAL: Final = LocalLauncher()
RAY_MISSING: Final = (
    "The launcher 'ray' needs the package ray, which is not installed. Install it into this "
    "environment: pip install -r requirements-ray.txt. The cluster must run the same version."
)


def num_training_processes(launcher: Launcher) -> int:
    """Return how many processes share each optimizer step."""
    return 1 if isinstance(launcher, LocalLauncher) else launcher.num_processes


def list_launchers() -> dict[Kind, Launcher]:
    """Return the launchers that are set up here; the local one always is. Ray may not be installed.

    Raises:
        SettingsError: The file cannot be read or holds a value that is not allowed.
    """
    tables = _read_tables()
    return {
        kind: parse_launcher({"kind": kind, **tables.get(kind, {})}, str(launchers_path()))
        for kind in KINDS
        if kind == "local" or kind in tables
    }


def get_launcher(kind: Kind, options: Sequence[str] = ()) -> Launcher:
    """Return a launcher as the file says, with single settings replaced.

    Args:
        options: Each ``NAME=VALUE``.

    Raises:
        SettingsError: A name or value is not allowed, or one is missing.
    """
    if kind == "ray" and find_spec("ray") is None:
        raise SettingsError(RAY_MISSING)
    given = dict(parse_option(option, "Launcher option") for option in options)
    fields = {**_read_tables().get(kind, {}), **given}
    origin = f"{launchers_path()} or the command line"
    return parse_launcher({"kind": kind, **fields}, origin)


def parse_launcher(fields: Mapping[str, Any] | None, origin: str) -> Launcher:
    """Validate a launcher's settings, telling all faults at once; None gives the local one.

    Raises:
        SettingsError: A value is not allowed or a name is unknown.
    """
    if fields is None:
        return LOCAL
    try:
        return _ADAPTER.validate_python(dict(fields))
    except ValidationError as error:
        raise SettingsError(
            f"Launcher settings in {origin} are not valid: {faults_of(error)}."
        ) from error


def _read_tables() -> dict[str, dict[str, Any]]:
    path = launchers_path()
    try:
        tables = read_toml(path)
    except FileNotFoundError:
        return {}
    unknown = [name for name in tables if name not in KINDS or not isinstance(tables[name], dict)]
    if unknown:
        raise SettingsError(
            f"Settings file {path} holds {', '.join(unknown)}, which is no table of a launcher. "
            "Allowed are [accelerate] and [ray]."
        )
    return tables

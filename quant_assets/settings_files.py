"""Files of settings: reading, overriding, filling in variables, and errors that name file and key.

Nothing here knows which settings there are; that stands in settings.py.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

DEFAULTS = Path(__file__).parent / "config"
# Files of Dagster's own, which may lie beside ours.
_DAGSTERS = ("dagster.yaml", "workspace.yaml")


class Block(BaseModel):
    """A block of a file: unknown keys are errors, values cannot be changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ConfigError(ValueError):
    """A setting that is missing, unknown or out of bounds; the message names file and key."""


class UnsetVariableError(ConfigError):
    """A `${NAME}` whose variable is not set."""


def fill(file: str, key: str, value: Any, env: Mapping[str, str]) -> Any:
    """The value with every `${NAME}` replaced from the environment."""
    if isinstance(value, dict):
        return {k: fill(file, f"{key}.{k}".lstrip("."), v, env) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(file, f"{key}[{i}]", v, env) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        if not env.get(match[1]):
            raise UnsetVariableError(
                f"{file}: {key}: the environment variable {match[1]} is not set; "
                f"set it to what `{value}` should stand for"
            )
        return env[match[1]]

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", variable, value)


def check_names(folder: Path) -> None:
    """That every YAML file of a user's folder is one that is read.

    Raises:
        ConfigError: a file has another name, such as one that is misspelt.
    """
    known = sorted(path.name for path in DEFAULTS.glob("*.yaml"))
    for path in sorted(folder.iterdir()):
        if path.suffix in (".yaml", ".yml") and path.name not in {*known, *_DAGSTERS}:
            raise ConfigError(
                f"{path}: no file of settings has this name{near_name(path.name, known)}; "
                f"there are {', '.join(known)}"
            )


def read(name: str, folder: Path | None) -> dict[str, Any]:
    """One file of settings: the default, overridden key by key by the user's."""
    merged = _yaml(DEFAULTS / f"{name}.yaml")
    if folder is not None and (folder / f"{name}.yaml").exists():
        merged = _merge(merged, _yaml(folder / f"{name}.yaml"))
    return merged


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(
            f"{path}: must hold keys and values. Got {type(content).__name__} instead"
        )
    return content


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with the keys of `over`; blocks are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


BlockType = TypeVar("BlockType", bound=BaseModel)


def checked(block: type[BlockType], file: str, key: str, values: Any) -> BlockType:
    """A validated block; errors name the file and the key."""
    try:
        return block.model_validate(values)
    except ValidationError as error:
        lines = []
        for fault in error.errors():
            path = ".".join([key, *_plain(fault["loc"])]).strip(".")
            lines.append(": ".join(filter(None, (file, path, _message(block, fault)))))
        raise ConfigError("\n".join(lines)) from None


# Keys whose values are secret, and stand in no message.
_SECRET = {"password", "url"}
# What pydantic puts into the place of a fault that lies in one of several kinds of block.
_KINDS = {"files", "simulated", "b3", "cn_daily", "webhook", "email", "log"}


def _plain(location: tuple[int | str, ...]) -> list[str]:
    """The keys of the file that a fault lies at, without the names of the union's choices."""
    return [str(p) for p in location if p not in _KINDS and not str(p).startswith("[")]


def _message(block: type[BaseModel], fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return f"unknown key{near_name(str(fault['loc'][-1]), _known_keys(block))}"
    if fault["type"] == "missing":
        return "missing; add it"
    if fault["type"] == "union_tag_not_found":
        return "`kind` is missing; add it"
    if fault["type"] == "union_tag_invalid":
        context = fault["ctx"]
        return f"`kind` must be one of {context['expected_tags']}. Got {context['tag']!r} instead"
    message: str = fault["msg"].removeprefix("Value error, ")
    if not _SECRET.isdisjoint(fault["loc"]) or isinstance(fault["input"], dict | BaseModel):
        return message
    return f"{message}. Got {fault['input']!r} instead" if "Got" not in message else message


def _known_keys(block: type[BaseModel]) -> set[str]:
    """Every key of a block and of the blocks in it, to suggest the one that was meant."""
    keys: set[str] = set()
    waiting: list[Any] = [block]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys |= set(kind.model_fields)
            waiting += [field.annotation for field in kind.model_fields.values()]
        else:
            waiting += list(getattr(kind, "__args__", ()))
    return keys


def near_name(name: str, names: Iterable[Any]) -> str:
    """` (did you mean …?)` where a known name is near, else nothing."""
    near = difflib.get_close_matches(name, [str(n) for n in names], n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""

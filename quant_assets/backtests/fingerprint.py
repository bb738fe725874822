"""The hash of what a result was computed from.

Equal data give equal hashes in every process and on every machine; what the data mean is not known
here.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

_DIGITS = 16


def fingerprint(*parts: Any) -> str:
    """Hash of texts, arrays, and of mappings and dataclasses of them, as 16 hexadecimal digits.

    Args:
        parts: in order; None stands for what is not there. Mappings are read in the order of their
            names.
    """
    digest = blake2b(digest_size=_DIGITS // 2)
    for part in parts:
        _feed(digest, part)
    return digest.hexdigest()


def _feed(digest: "blake2b", part: Any) -> None:
    """Each part begins with its kind and length, so that no two sequences of parts are alike."""
    if isinstance(part, np.ndarray):
        array = np.ascontiguousarray(part.astype("U") if part.dtype == object else part)
        digest.update(f"array {array.dtype.str} {array.shape}\0".encode())
        digest.update(array.view(np.uint8).data if array.size else b"")
    elif isinstance(part, Mapping):
        digest.update(f"mapping {len(part)}\0".encode())
        for name in sorted(part):
            _feed(digest, name)
            _feed(digest, part[name])
    elif is_dataclass(part) and not isinstance(part, type):
        _feed(digest, {field.name: getattr(part, field.name) for field in fields(part)})
    elif part is None or isinstance(part, str):
        text = "" if part is None else part
        digest.update(f"{type(part).__name__} {len(text)}\0{text}".encode())
    else:
        raise TypeError(f"no fingerprint is defined of {type(part).__name__}")

"""Plug-in discovery: each check, reader or writer is one module of its package; no registration is needed."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType


def modules_of(package: str, *, without: Collection[str] = ()) -> tuple[ModuleType, ...]:
    """
    Import the modules of a package, sorted by name, except subpackages and names that begin with ``_``.

    Args:
        package: Dotted name of the package.
        without: Names of modules that are not plug-ins.
    """
    names = sorted(
        module.name
        for module in iter_modules(import_module(package).__path__)
        if not module.ispkg and not module.name.startswith("_") and module.name not in without
    )
    return tuple(import_module(f"{package}.{name}") for name in names)


def packages_of(package: str) -> tuple[str, ...]:
    """Return the dotted names of a package's direct subpackages, sorted."""
    paths = import_module(package).__path__
    return tuple(sorted(f"{package}.{module.name}" for module in iter_modules(paths) if module.ispkg))

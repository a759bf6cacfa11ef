"""What is missing where one of the package's extras is not installed."""

from __future__ import annotations


def not_installed(module: str, extra: str, error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Return the error of our `module` that what it stands on cannot be found, which names the `extra` that has it."""
    return ModuleNotFoundError(f"{module} needs {error.name}: pip install 'synctrace[{extra}]'", name=error.name)

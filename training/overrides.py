"""Every field of a recipe as an option of the command line, made from the dataclasses."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields, is_dataclass, replace
from typing import Any, TypeVar

from training.recipes import DEFAULT, RECIPES, Adam, Augmentation, Network, Recipe
from training.values import text_of

_Part = TypeVar("_Part", Network, Adam, Augmentation, Recipe)
_GROUPS = "network", "optimizer", "augmentation"  # the fields of a recipe that have fields of their own


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add an option for each field: `--batch-size` for `batch_size`."""
    group = parser.add_argument_group("fields of a recipe, each in place of its own (--list-recipes shows them)")
    for field, _ in values(RECIPES[DEFAULT]):
        about, parse = field.metadata["about"], field.metadata["parse"]
        group.add_argument(option(field.name), type=parse, metavar="X", default=argparse.SUPPRESS, help=about)


def apply(recipe: Recipe, given: Mapping[str, Any]) -> Recipe:
    """Return `recipe` with the values of those of its fields that are in `given`, by name."""
    parts = {group: _changed(getattr(recipe, group), given) for group in _GROUPS}
    return _changed(replace(recipe, **parts), given)


def listed(recipe: Recipe) -> str:
    """Return `recipe` as the lines of a list: its name, what it is, and each option with its value."""
    words = [f"{option(field.name)} {text_of(value)}" for field, value in values(recipe)]
    return "\n".join([f"{recipe.name}: {recipe.about}", *(f"    {word}" for word in words)])


def values(recipe: Any) -> Iterator[tuple[Field[Any], Any]]:
    """Each field of `recipe` that has an option, and its value, in order."""
    for field in fields(recipe):
        value = getattr(recipe, field.name)
        if is_dataclass(value):
            yield from values(value)
        elif "parse" in field.metadata:
            yield field, value


def option(name: str) -> str:
    """Return the option of the field `name`."""
    return "--" + name.replace("_", "-")


def _changed(part: _Part, given: Mapping[str, Any]) -> _Part:
    names = {field.name for field in fields(part) if "parse" in field.metadata}
    return replace(part, **{name: value for name, value in given.items() if name in names})

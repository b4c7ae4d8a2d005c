"""What a person writes in a YAML file, as checked, frozen objects: a mistake stops a stage before any computing."""

from pathlib import Path
from typing import Annotated, TypeVar

from annotated_types import Ge, Gt, Le, Len, Lt
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from replicate.base.stage import BadInput

Text = Annotated[str, Len(1)]
Positive = Annotated[int, Gt(0)]
Seed = Annotated[int, Ge(0), Lt(2**32)]  # as scikit-learn has them
Rate = Annotated[float, Gt(0), Le(1)]
Decay = Annotated[float, Ge(0), Lt(1)]
Amount = Annotated[float, Ge(0)]


class Checked(BaseModel):
    """A group of keys: none may be missing, none may be unknown, none is converted from another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def once(values: list) -> list:
    if len(set(values)) < len(values):
        raise ValueError(f"got {values}, expected each once")
    return values


Seeds = Annotated[list[Seed], Len(1), AfterValidator(once)]


def ascending(values: list) -> list:
    if values != sorted(set(values)):
        raise ValueError(f"got {values}, expected ascending values, each once")
    return values


Model = TypeVar("Model", bound=BaseModel)


def read(path: str | Path) -> object:
    """What a YAML file holds. YAML 1.2, as DVC reads it: 2e-4 is a number. Raises BadInput."""
    try:
        return YAML(typ="safe").load(Path(path))
    except (OSError, YAMLError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error


def check(path: str | Path, content: object, model: type[Model]) -> Model:
    """What a file at `path` holds, checked against `model`. Raises BadInput with each mistake that pydantic finds."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise BadInput(f"{path} is not as expected: {error}") from error

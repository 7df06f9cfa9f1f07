"""A state dict of one's own as the pretrained weights of a network of timm."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from bench.base.errors import BenchError

State = Mapping[str, Tensor]


def load(net: Any, name: str, file: Path) -> None:
    """Give a network the weights in `file`, safetensors or what torch.save wrote of a state dict.

    Its classifier stays as it is: classes differ. The first convolution is made to fit gray images
    as timm does, by the sum over channels. Raises BenchError where anything else does not fit.
    """
    heads = tuple(f"{head}." for head in _listed(net.pretrained_cfg["classifier"]))
    wanted = _without(net.state_dict(), heads)
    given = _without(_read(file), heads)
    _fit_first(given, wanted, _listed(net.pretrained_cfg["first_conv"]))
    if problem := _misfit(given, wanted):
        raise BenchError(f"{file.name} does not fit {name}: {problem}")
    net.load_state_dict(given, strict=False)


def _read(file: Path) -> State:
    from timm.models import load_state_dict

    try:
        state: State = load_state_dict(str(file))
    except Exception as error:
        raise BenchError(
            f"{file} cannot be read as weights ({type(error).__name__}); save model.state_dict() "
            "by torch.save or as safetensors"
        ) from None
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise BenchError(f"{file} holds no state dict: names, and a tensor each")
    return state


def _without(state: State, heads: tuple[str, ...]) -> dict[str, Tensor]:
    """What is not of the classifier. Counters of BatchNorm are of no use here."""
    return {
        key: value
        for key, value in state.items()
        if not key.startswith(heads) and not key.endswith("num_batches_tracked")
    }


def _fit_first(given: dict[str, Tensor], wanted: State, convolutions: tuple[str, ...]) -> None:
    """The first convolutions, by timm, for as many channels as the network takes."""
    from timm.models import adapt_input_conv

    for key in (f"{convolution}.weight" for convolution in convolutions):
        if key in given and key in wanted and given[key].shape[1] == 3:
            given[key] = adapt_input_conv(wanted[key].shape[1], given[key])


def _misfit(given: State, wanted: State) -> str:
    """What does not fit, in words; "" for nothing."""
    missing, more = wanted.keys() - given.keys(), given.keys() - wanted.keys()
    if missing:
        also = f"; it has {min(more)}" if more else ""
        return f"{len(missing)} weights are missing, the first {min(missing)}{also}"
    if more:
        return f"{len(more)} weights have no place in it, the first {min(more)}"
    for key, value in wanted.items():
        if given[key].shape != value.shape:
            return f"{key} is {tuple(given[key].shape)}, not {tuple(value.shape)}"
    return ""


def _listed(names: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names or ())

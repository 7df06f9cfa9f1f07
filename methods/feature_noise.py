"""Feature noise: the control of AILS, with nothing learned."""

from torch import nn

from methods.ails import AILS, OffsetParameters, offset_space
from methods.method import Setting, Trial
from methods.parts.posterior import Prior


class FeatureNoise(AILS):
    """AILS with q held at the prior: f' = f + α C s ε, the same filter, the same invariance term.

    AILS's posterior tends to collapse onto the prior; the difference of the two methods is what the
    learned part adds. It takes the draws that AILS would.
    """

    summary = "the control of AILS: isotropic feature noise, its head held at the prior"
    reference = "an ablation of AILS (see ails)"
    version = 2
    zero = {"alpha": 0.0}
    readings = tuple(
        reading
        for reading in AILS.readings
        if reading.changes.keys() <= OffsetParameters.model_fields.keys()
    )

    class Params(OffsetParameters):
        """Those of AILS that concern nothing learned."""

    def __init__(self, params: OffsetParameters, setting: Setting) -> None:
        super().__init__(AILS.Params(**params.model_dump()), setting)

    @classmethod
    def space(cls, trial: Trial) -> None:
        """That of AILS, without what is learned."""
        offset_space(trial)

    def make_posterior(self) -> nn.Module:
        return Prior()

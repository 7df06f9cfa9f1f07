"""The ambiguities of the AILS paper that are parameters, and how else each can be read.

Absent are: an L2 projection (A2), which cannot change a cosine; the width of the head (A23), for
which no other is proposed; the optimiser but for the head's decay (A17) and the backbone (A18),
which are of the protocol and the selection; and what concerns only the numbers that are reported
(A20 to A22).
"""

from bench.base.task import Task
from methods.method import Reading

READINGS: tuple[Reading, ...] = (
    Reading("A1", "one variance a row", {"sigma": "isotropic"}),
    Reading("A1", "low-rank covariance", {"sigma": "lowrank(4)"}),
    Reading("A2", "projection: positive part", {"projection": "relu"}),
    Reading("A2", "projection: centred", {"projection": "center"}),
    Reading("A2", "projection: 16 components", {"projection": "pca(16)"}),
    Reading("A3", "threshold: one step", {"tau_schedule": "step(0.5)"}),
    Reading("A3", "threshold: cosine", {"tau_schedule": "cosine"}),
    Reading("A3", "threshold: constant", {"tau_schedule": "constant"}),
    Reading("A3", "threshold: half of a batch", {"tau_schedule": "quantile(0.5)"}),
    Reading("A3", "threshold: from the features", {"tau_schedule": "stat"}),
    Reading("A4", "threshold as temperature", {"inv_temperature": "tau"}),
    Reading("A5", "both features augmented", {"inv_pair": "aug_aug"}),
    Reading("A6", "no gradient to the original", {"inv_detach": "original"}),
    Reading("A7", "KL summed over dimensions", {"kl_reduction": "sum"}),
    Reading("A8", "prior of unit variance", {"prior_std": 1.0}),
    Reading("A9", "filtered rows dropped", {"on_filtered": "drop"}),
    Reading("A9", "filtered rows drawn again", {"on_filtered": "resample(4)"}),
    Reading("A9", "filtered offsets shrunk", {"on_filtered": "shrink"}),
    Reading(
        "A10",
        "summed over labels",
        {"inv_label_reduction": "sum"},
        frozenset({Task.MULTILABEL}),
    ),
    Reading("A11", "offsets multiply features", {"offset_mode": "multiplicative"}),
    Reading("A11", "no offset where f is 0", {"mask": "nonzero"}),
    Reading("A11", "half of the dimensions", {"mask": "bernoulli(0.5)"}),
    Reading("A12", "16 learned directions", {"num_directions": 16}),
    Reading("A12", "four offsets an image", {"num_samples": 4}),
    Reading("A13", "cross-entropy without α", {"scale_in_loss": "one"}),
    Reading("A14", "cross-entropy on f too", {"ce_on": "both"}),
    Reading("A15", "closed-form bound", {"ce_estimator": "closed_form"}),
    Reading("A16", "offsets along the sphere", {"retraction": "sphere"}),
    Reading("A17", "no weight decay on the head", {"head_decay": False}),
    Reading("A19", "head input detached", {"head_input_detach": True}),
    Reading("A23", "linear head", {"head": "linear"}),
    Reading("A23", "head as in BSDA", {"head": "bsda_like"}),
    Reading("A23", "head initialised as usual", {"head_init": "default"}),
)

"""The claims of the AILS paper for which data is not enough: differences of differences, and sums.

The others, and what all of them are about, are in `reports/published/ails/claims.yaml`.
"""

from itertools import pairwise

from reports.claims.claim import Claim, accuracy, near, over, printed, reduction
from reports.results.effects import Term

BASELINES = ("mixup", "cutmix", "stylegan2_ada", "ddpm", "advprop", "medaugment", "bsda")
BACKBONES = ("mobilenetv3", "resnest101", "densenet121", "efficientnet_b4", "swin_tiny")
RATIOS = (0.2, 0.3, 0.5)
EPOCHS = "epochs_to_convergence"

AILS = Term("ails")
EVERYONE = (*BASELINES, "ails")
OVER_EXPLICIT = ((1, AILS), (-0.5, Term("stylegan2_ada")), (-0.5, Term("ddpm")))
GAIN = {b: ((1, Term("ails", backbone=b)), (-1, Term("none", backbone=b))) for b in BACKBONES}
COMPARISON = "Comparison Experiments"
ABLATION = "Ablation Studies"

__all__ = ["BACKBONES", "BASELINES", "CLAIMS", "printed"]

CLAIMS = (
    Claim(
        "better-than-explicit",
        "AILS achieves an average accuracy improvement of 7.39% compared to explicit methods "
        "(ADA, DDPM)",
        COMPARISON,
        "ACC of AILS minus the mean of StyleGAN2-ADA's and DDPM's, mean over datasets: above zero",
        (accuracy("ails over stylegan2_ada and ddpm", *OVER_EXPLICIT),),
        "table 1",
    ),
    Claim(
        "gain-over-explicit",
        "AILS achieves an average accuracy improvement of 7.39% compared to explicit methods "
        "(ADA, DDPM)",
        COMPARISON,
        "the same difference, within one point of 7.39",
        (near(0.0739, "ails over stylegan2_ada and ddpm", *OVER_EXPLICIT),),
        "table 1",
        absolute=True,
    ),
    Claim(
        "all-degrade",
        "a consistent performance degradation across all compared algorithms when facing data "
        "scarcity",
        f"{COMPARISON}, Table 4",
        "ACC of each method at 20, 30, 50 and 100 % of the training split, each above the last",
        tuple(
            over(Term(name, larger), Term(name, smaller))
            for name in EVERYONE
            for smaller, larger in pairwise((*RATIOS, 1.0))
        ),
        "table 4",
    ),
    Claim(
        "degrades-least",
        "AILS exhibits significantly less performance deterioration compared to other methods",
        f"{COMPARISON}, Table 4",
        "the loss of ACC from all of the training split to 20, 30 and 50 % of it: that of each "
        "baseline minus that of AILS",
        tuple(
            accuracy(
                f"smaller loss than {name} at {ratio:.0%}",
                (1, Term("ails", ratio)),
                (-1, AILS),
                (-1, Term(name, ratio)),
                (1, Term(name)),
            )
            for name in BASELINES
            for ratio in RATIOS
        ),
        "table 4",
    ),
    Claim(
        "mobilenet-most",
        "MobileNetV3 exhibits the most significant gain (a 6.2% accuracy increase)",
        f"{ABLATION}, Table 2",
        "the gain of AILS over no augmentation on MobileNetV3 minus that on each other backbone",
        tuple(
            accuracy(
                f"gain on mobilenetv3 over that on {backbone}",
                *GAIN["mobilenetv3"],
                *((-weight, term) for weight, term in gain),
            )
            for backbone, gain in GAIN.items()
            if backbone != "mobilenetv3"
        ),
        "table 2",
    ),
    Claim(
        "mobilenet-gain",
        "MobileNetV3 exhibits the most significant gain (a 6.2% accuracy increase)",
        f"{ABLATION}, Table 2",
        "the gain of AILS over no augmentation on MobileNetV3, within one point of 6.2",
        (near(0.062, "gain on mobilenetv3", *GAIN["mobilenetv3"]),),
        "table 2",
        absolute=True,
    ),
    Claim(
        "converges-sooner",
        "AILS demonstrates universal convergence acceleration",
        f"{ABLATION}, Table 2",
        "the part by which AILS lowers the epochs to 95 % of the highest validation ACC, on each "
        "of the five backbones: above zero",
        tuple(reduction(backbone) for backbone in BACKBONES),
        "table 2",
        (EPOCHS,),
    ),
    Claim(
        "converges-17-23",
        "universal convergence acceleration of 17-23%",
        f"{ABLATION}, Table 2",
        "the same part, within 17 to 23 % on each of the five backbones",
        tuple(reduction(backbone, 0.17, 0.23) for backbone in BACKBONES),
        "table 2",
        (EPOCHS,),
    ),
)

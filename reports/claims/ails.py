"""The claims of the AILS paper, as data.

Miao et al., "Augmentation-Invariant Learning Strategy via Data Augmentation for Improving Model
Generalization". Quoted as printed. Of what the paper leaves open the reading stands in `measure`;
it was written before there were results.
"""

from itertools import pairwise

from reports.claims.claim import Claim, accuracy, best, near, over, reduction, rising, sweep
from reports.results.effects import Term

DATASETS = ("blood", "chest", "breast", "derma", "oct", "path", "pneumonia", "retina", "tissue")
BASELINES = ("mixup", "cutmix", "stylegan2_ada", "ddpm", "advprop", "medaugment", "bsda")
COMBINATION = ("resnest101", "densenet121")
"""The backbones of Table 1; its number is compared with the mean over both."""
BACKBONES = ("mobilenetv3", "resnest101", "densenet121", "efficientnet_b4", "swin_tiny")
RATIOS = (0.2, 0.3, 0.5)
ALPHAS = (0.1, 0.3, 0.5, 0.7)
BETAS = (0.1, 0.5, 1.0, 1.5, 2.0)
LAMBDAS = (0.0, 0.25, 0.5, 1.0)
"""Ours: the paper names no other value than 0.5."""
EPOCHS = "epochs_to_convergence"
FDI = ("validation.fdi", "validation.fdi_accepted", "validation.fdi_rel")
KL = ("validation.kl_dim", "validation.kl_sum", "validation.beta_kl")
VARIANCE = ("validation.post_var", "validation.offset_var", "validation.aug_feature_var")

AILS = Term("ails")
EVERYONE = (*BASELINES, "ails")
OVER_BASELINES = tuple(over(AILS, Term(name)) for name in BASELINES)
OVER_EXPLICIT = ((1, AILS), (-0.5, Term("stylegan2_ada")), (-0.5, Term("ddpm")))
GAIN = {b: ((1, Term("ails", backbone=b)), (-1, Term("none", backbone=b))) for b in BACKBONES}
MAKE_TABLE1 = f"make table1 METHODS={','.join(EVERYONE)}"
MAKE_TABLE4 = f"make table4 METHODS={','.join(EVERYONE)}"
COMPARISON = "Comparison Experiments"
ABLATION = "Ablation Studies"

CLAIMS = (
    Claim(
        "better-on-average",
        "AILS consistently outperforms all baseline methods",
        f"{COMPARISON}, Table 1",
        "ACC of AILS minus that of each of the seven baselines, mean over datasets",
        OVER_BASELINES,
        MAKE_TABLE1,
    ),
    Claim(
        "better-on-each-dataset",
        "AILS consistently outperforms all baseline methods",
        f"{COMPARISON}, Table 1",
        "ACC of AILS minus that of each of the seven baselines, on every dataset by itself",
        OVER_BASELINES,
        MAKE_TABLE1,
        each_dataset=True,
    ),
    Claim(
        "significance",
        "The paired t-test confirm that the performance improvement of AILS is not a random "
        "occurrence, but rather a systematic enhancement with statistical significance (p < 0.01)",
        COMPARISON,
        "ACC of AILS minus that of each of the seven baselines, mean over datasets: p below 1 %",
        OVER_BASELINES,
        MAKE_TABLE1,
        level=0.01,
    ),
    Claim(
        "average-acc",
        "achieving an average accuracy of 85.74% on 2D datasets",
        f"{COMPARISON}, Table 1",
        "mean ACC of AILS over the cells that BSDA has too, within one point of 85.74 %",
        (near(0.8574, "ails", (1, AILS), (0, Term("bsda"))),),
        MAKE_TABLE1,
        absolute=True,
    ),
    Claim(
        "oct-acc",
        "on the OCT dataset, it achieves a notably high accuracy of 90.8%",
        f"{COMPARISON}, Table 1",
        "mean ACC of AILS on OCT where BSDA has a cell too, within one point of 90.8 %",
        (
            near(
                0.908,
                "ails on oct",
                (1, Term("ails", dataset="oct")),
                (0, Term("bsda", dataset="oct")),
            ),
        ),
        MAKE_TABLE1,
        absolute=True,
    ),
    Claim(
        "better-than-explicit",
        "AILS achieves an average accuracy improvement of 7.39% compared to explicit methods "
        "(ADA, DDPM)",
        COMPARISON,
        "ACC of AILS minus the mean of StyleGAN2-ADA's and DDPM's, mean over datasets: above zero",
        (accuracy("ails over stylegan2_ada and ddpm", *OVER_EXPLICIT),),
        MAKE_TABLE1,
    ),
    Claim(
        "gain-over-explicit",
        "AILS achieves an average accuracy improvement of 7.39% compared to explicit methods "
        "(ADA, DDPM)",
        COMPARISON,
        "the same difference, within one point of 7.39",
        (near(0.0739, "ails over stylegan2_ada and ddpm", *OVER_EXPLICIT),),
        MAKE_TABLE1,
        absolute=True,
    ),
    Claim(
        "anatomy",
        "avoiding data generation in pixel space effectively reduces the risk of anatomical "
        "distortion",
        COMPARISON,
        "no record measures the anatomy of augmented pictures or features",
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
        MAKE_TABLE4,
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
        MAKE_TABLE4,
    ),
    Claim(
        "better-with-few-data",
        "AILS’s superior data efficiency",
        f"{COMPARISON}, Table 4",
        "ACC of AILS minus that of each baseline at 20, 30 and 50 % of the training split",
        tuple(
            over(Term("ails", ratio), Term(name, ratio)) for name in BASELINES for ratio in RATIOS
        ),
        MAKE_TABLE4,
    ),
    Claim(
        "overfitting",
        "the effectiveness of our feature-space augmentation mechanism in mitigating overfitting "
        "with limited samples",
        COMPARISON,
        "no record holds the accuracy on training images, so none tells overfitting from the rest",
    ),
    Claim(
        "alpha-best",
        "AILS achieves the optimal performance when α = 0.3",
        f"{ABLATION}, Table 5",
        "ACC at α = 0.3 minus that at 0.1, 0.5 and 0.7, mean over datasets",
        best("alpha", 0.3, ALPHAS),
        "make table5",
    ),
    Claim(
        "alpha-high",
        "when α > 0.5, an excessive semantic shift will lead to feature misalignment",
        ABLATION,
        "ACC at α = 0.3 and at 0.5 minus that at 0.7; accuracy stands for alignment",
        tuple(over(term, *sweep("alpha", [0.7])) for term in sweep("alpha", [0.3, 0.5])),
        "make table5",
    ),
    Claim(
        "alpha-low",
        "when α < 0.1, it will result in insufficient augmentation",
        ABLATION,
        "ACC at α = 0.1 minus that at 0.05; Table 5 has no value below 0.1",
        best("alpha", 0.1, (0.05,)),
        'python -m bench run --methods "ails[alpha=0.05],ails[alpha=0.1]"',
    ),
    Claim(
        "alpha-fdi",
        "The augmentation intensity α controls the degree of semantic shift in the feature space.",
        f"{ABLATION}, Table 5",
        "FDI grows from each α to the next, under each of three readings of FDI",
        rising(sweep("alpha", ALPHAS)),
        "make table5",
        FDI,
    ),
    Claim(
        "beta-best",
        "the highest accuracy and the optimal balance are achieved when β = 1",
        f"{ABLATION}, Table 6",
        "ACC at β = 1 minus that at 0.1, 0.5, 1.5 and 2, mean over datasets",
        best("beta", 1.0, BETAS),
        "make table6",
    ),
    Claim(
        "beta-variance",
        "higher values of β lead to reduced variance of the characteristics",
        f"{ABLATION}, Table 6, Figure 4",
        "from each β to the next σ² falls, under each of three readings of σ²",
        rising(sweep("beta", BETAS[::-1])),
        "make table6",
        VARIANCE,
    ),
    Claim(
        "beta-kl",
        "KL 0.08, 0.14, 0.18, 0.23, 0.25 at β 0.1, 0.5, 1.0, 1.5, 2 (numbers, no sentence)",
        "Table 6",
        "KL grows from each β to the next, under each of three readings of KL",
        rising(sweep("beta", BETAS)),
        "make table6",
        KL,
    ),
    Claim(
        "lambda-best",
        "Experimental results show that the optimal value of λ is 0.5.",
        "Datasets and Settings",
        "ACC at λ = 0.5 minus that at 0, 0.25 and 1 (our choice), mean over datasets",
        best("lam", 0.5, LAMBDAS),
        "python -m bench run --methods "
        f'"{",".join(term.method for term in sweep("lam", LAMBDAS))}"',
    ),
    Claim(
        "every-backbone",
        "AILS consistently enhances baseline performance across all architectures",
        f"{ABLATION}, Table 2",
        "ACC of AILS minus that of no augmentation on each of the five backbones",
        tuple(accuracy(f"gain on {backbone}", *gain) for backbone, gain in GAIN.items()),
        "make table2",
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
        "make table2",
    ),
    Claim(
        "mobilenet-gain",
        "MobileNetV3 exhibits the most significant gain (a 6.2% accuracy increase)",
        f"{ABLATION}, Table 2",
        "the gain of AILS over no augmentation on MobileNetV3, within one point of 6.2",
        (near(0.062, "gain on mobilenetv3", *GAIN["mobilenetv3"]),),
        "make table2",
        absolute=True,
    ),
    Claim(
        "converges-sooner",
        "AILS demonstrates universal convergence acceleration",
        f"{ABLATION}, Table 2",
        "the part by which AILS lowers the epochs to 95 % of the highest validation ACC, on each "
        "of the five backbones: above zero",
        tuple(reduction(backbone) for backbone in BACKBONES),
        "make table2",
        (EPOCHS,),
    ),
    Claim(
        "converges-17-23",
        "universal convergence acceleration of 17-23%",
        f"{ABLATION}, Table 2",
        "the same part, within 17 to 23 % on each of the five backbones",
        tuple(reduction(backbone, 0.17, 0.23) for backbone in BACKBONES),
        "make table2",
        (EPOCHS,),
    ),
    Claim(
        "tsne",
        "AILS achieves optimal feature topology characterized by compact intra-class formations, "
        "distinct inter-class boundaries",
        f"{ABLATION}, Figure 5",
        "records hold no features; `make figures` draws them and prints silhouettes of one model "
        "a method",
    ),
    Claim(
        "robustness",
        "networks trained using our algorithm indeed acquire better augmentation transferability "
        "and robustness",
        "Introduction",
        "no record holds a test on perturbed or shifted images",
    ),
)

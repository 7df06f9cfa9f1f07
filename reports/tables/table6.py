"""Table 6: AILS over the weight β of its KL term."""

from reports.tables.sweep import Column, Sweep

SWEEP = Sweep(
    number=6,
    parameter="beta",
    symbol="β",
    values=(0.1, 0.5, 1.0, 1.5, 2.0),
    columns=(
        Column("ACC", "metrics.acc", "acc"),
        Column("AUC", "metrics.auc", "auc"),
        Column(
            "KL",
            "validation.kl_dim",
            "kl",
            "of q(δ|f) to the prior, mean over dimensions, without β (A22); kl_sum and beta_kl "
            "are in the tidy CSV",
            ("validation.kl_sum", "validation.beta_kl"),
        ),
        Column(
            "σ²",
            "validation.aug_feature_var",
            "sigma2",
            "variance of the augmented features f' over a batch, mean over dimensions (A21); "
            "post_var and offset_var are in the tidy CSV",
            ("validation.post_var", "validation.offset_var"),
        ),
    ),
)

select, outputs = SWEEP.select, SWEEP.outputs

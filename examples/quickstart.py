# %% [markdown]
# # Quick start
#
# A small comparison in Python: plan it, run it, read it. It takes under a minute on two cores, as
# it trains a tiny network on phantoms, which are made-up images. Phantoms say nothing about
# methods. For a real comparison take `datasets=["breast"]`, leave `backbones` and `settings` out,
# and let it have some minutes.

# %%
import bench
from reports import compare, figure, table

study = bench.Study(
    datasets=["phantom-ordinal"],
    methods=["none", "mixup", "ails[alpha=0.5]"],
    backbones=["test_resnet"],
    seeds=5,
    settings={"steps": 28, "lr": 0.01},
)

# %% [markdown]
# ## Plan
# A row a cell: how many runs are done and missing, and the seconds that are left.

# %%
print(study.plan().to_string(index=False))

# %% [markdown]
# ## Run
# What is missing is done; what is finished is never lost, and never run twice.

# %%
study.run(workers=1)

# %% [markdown]
# ## Read
# A row a run: its cell and seed, its metrics as fractions, what it cost, and its key.

# %%
runs = study.records()
print(runs.groupby("method")[["acc", "auc", "macro_f1"]].mean())

# %% [markdown]
# Every method minus the baseline, paired by seed. `p_holm` is corrected for all methods compared.

# %%
against_none = compare(study, reference="none")
print(against_none[["method", "difference", "low", "high", "p_holm", "verdict"]])

# %% [markdown]
# ## Tables and figures
# Any metric of the registry, also for runs made before it was there: it is computed from the
# stored predictions. In a notebook, `table(...)` and `figure(...)` show themselves.

# %%
print(table(1, study, metric="kappa", reference="none"))

# %%
figure("forest", study, reference="none").write("results/figures")

# %% [markdown]
# The predictions of one run, a row an image.

# %%
print(study.predictions(method="mixup", seed=0).head())

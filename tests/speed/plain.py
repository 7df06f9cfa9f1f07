"""A training as users write it, without this package: what whole runs are timed against.

    python tests/speed/plain.py FILE.npz [--epochs 8]

A dataset of PIL images, DataLoader, ToTensor, Normalize, ResNet-18 with a CIFAR stem, Adam, batch
128, default threads, all splits evaluated after every epoch.
"""

import argparse
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

BATCH = 128
SPLITS = ("train", "val", "test")


class Images(Dataset):
    """A split of a MedMNIST file."""

    def __init__(self, path, split):
        file = np.load(path)
        self.images, self.labels = file[f"{split}_images"], file[f"{split}_labels"]
        self.transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(mean=[0.5], std=[0.5])]
        )

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index, 0])


def loader(path, split):
    return DataLoader(Images(path, split), batch_size=BATCH, shuffle=split == "train")


def network(channels, classes):
    net = timm.create_model("resnet18", in_chans=channels, num_classes=classes)
    net.conv1 = nn.Conv2d(channels, 64, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    return net


@torch.no_grad()
def evaluate(net, batches):
    net.eval()
    scores, labels = [], []
    for images, targets in batches:
        scores.append(net(images).softmax(1))
        labels.append(targets)
    scores, labels = torch.cat(scores), torch.cat(labels)
    accuracy = (scores.argmax(1) == labels).float().mean().item()
    given = scores[:, 1] if scores.shape[1] == 2 else scores
    return accuracy, roc_auc_score(labels, given, multi_class="ovr")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()
    batches = {split: loader(options.path, split) for split in SPLITS}
    train = batches["train"].dataset
    net = network(train[0][0].shape[0], len(np.unique(train.labels)))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(options.epochs):
        net.train()
        for images, targets in batches["train"]:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images), targets)
            loss.backward()
            optimizer.step()
        print(epoch, {split: evaluate(net, batches[split]) for split in SPLITS})


if __name__ == "__main__":
    main()

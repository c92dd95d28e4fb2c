"""A whole process with PyTorch: read the IDX files, train three epochs of net (i), validate, save."""
import gzip
import pathlib
import struct
import sys

import torch

from nets import SAMPLES


def idx(folder, name):
    path = pathlib.Path(folder, name)
    raw = path.read_bytes() if path.exists() else gzip.open(str(path) + ".gz").read()
    sizes = struct.unpack(f">{raw[3]}I", raw[4 : 4 + 4 * raw[3]])
    return torch.frombuffer(bytearray(raw[4 + 4 * raw[3] :]), dtype=torch.uint8).reshape(sizes)


def main(data, seed, out):
    torch.manual_seed(int(seed))
    x = idx(data, "train-images-idx3-ubyte").reshape(-1, 784).float() / 255
    y = idx(data, "train-labels-idx1-ubyte").long()
    net = torch.nn.Sequential(torch.nn.Linear(784, 50), torch.nn.ReLU(), torch.nn.Linear(50, 10))
    sgd = torch.optim.SGD(net.parameters(), lr=0.5, fused=True)
    for _ in range(3):
        order = torch.randperm(SAMPLES)
        for at in range(0, SAMPLES, 64):
            index = order[at : at + 64]
            torch.nn.functional.cross_entropy(net(x[index]), y[index]).backward()
            sgd.step()
            sgd.zero_grad()
    with torch.no_grad():
        print(float((net(x[SAMPLES:]).argmax(1) == y[SAMPLES:]).float().mean()))
    torch.save(net.state_dict(), out)


if __name__ == "__main__":
    main(*sys.argv[1:4])

"""The other end of the pipe: one contender of Python's, which waits for a word on its input.

    gate N OUT   N losses from the first weights; the weights afterwards in OUT
    time N       seconds of N steps, which go on through the epoch
    op           ns of one-element a + b, plain and recorded
"""
import sys

import numpy as np


def torch_net(how):
    def make(name, threads, folder):
        from torch_net import TorchNet

        return TorchNet(name, folder, how, threads)

    return make


def jax_net(scan):
    def make(name, threads, folder):
        from jax_net import JaxNet

        return JaxNet(name, folder, scan, threads)

    return make


def numpy_net(name, threads, folder):
    from numpy_net import NumpyNet

    return NumpyNet(name, folder)


KINDS = {
    "torch-eager": torch_net("eager"),
    "torch-fused": torch_net("fused"),
    "torch-foreach": torch_net("foreach"),
    "torch-mkl-intel": torch_net("eager"),  # contender.py tells MKL that this is an Intel CPU
    "torch-compile": torch_net("compile"),
    "torch-compile-tuned": torch_net("compile-tuned"),
    "torch-compile-cpp": torch_net("compile-cpp"),
    "jax-step": jax_net(False),
    "jax-scan": jax_net(True),
    "numpy": numpy_net,
}


def main(kind, name, threads, folder):
    net = KINDS[kind](name, int(threads), folder)
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "gate":
            losses, p = net.gate(int(words[1]))
            with open(words[2], "wb") as out:
                for q in p:
                    out.write(np.ascontiguousarray(q).tobytes())
            print(*[repr(v) for v in losses], flush=True)
        elif words[0] == "time":
            print(net.time(int(words[1])), flush=True)
        elif words[0] == "op":
            print(*net.op(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:5])

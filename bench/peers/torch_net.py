"""The step in PyTorch, written in each of the ways that are fast for it."""
import time

import torch

from nets import NETS, Cursor, images, weights
from clock import ns_of

# Kinds of contender -> how it steps. max-autotune and cpp_wrapper suit some nets better.
COMPILED = {"compile": {}, "compile-tuned": {"mode": "max-autotune"},
            "compile-cpp": {"options": {"cpp_wrapper": True}}}


class TorchNet:
    def __init__(self, name, folder, how, threads):
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        torch.set_flush_denormal(True)
        self.name, self.folder, self.how = name, folder, how
        x, y, order = images(folder)
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        self.order = torch.from_numpy(order)
        self.reset()

    def reset(self):
        net = NETS[self.name]
        widths, layers = net["widths"], []
        for i in range(len(widths) - 1):
            layers += [torch.nn.Linear(widths[i], widths[i + 1])]
            layers += [torch.nn.ReLU()] if i + 2 < len(widths) else []
        self.net = torch.nn.Sequential(*layers)
        with torch.no_grad():
            for p, v in zip(self.net.parameters(), weights(self.folder, self.name)):
                p.copy_(torch.from_numpy(v))
        self.p = list(self.net.parameters())
        self.cursor = Cursor(self.order, net["batch"])
        loss_of, lr, model, p = torch.nn.functional.cross_entropy, net["lr"], self.net, self.p
        if self.how in ("fused", "foreach"):
            sgd = torch.optim.SGD(p, lr=lr, **{self.how: True})

            def step(x, y):
                loss = loss_of(model(x), y)
                loss.backward()
                sgd.step()
                sgd.zero_grad()
                return loss.detach()

        elif self.how == "eager":

            def step(x, y):
                loss = loss_of(model(x), y)
                loss.backward()
                with torch.no_grad():
                    for q in p:
                        q -= lr * q.grad
                        q.grad = None
                return loss.detach()

        else:
            # The whole step is one graph: gradients by functional autograd, updates in place.
            def whole(x, y, *q):
                h = x
                for i in range(0, len(q), 2):
                    h = torch.nn.functional.linear(h, q[i], q[i + 1])
                    h = torch.relu(h) if i + 2 < len(q) else h
                return loss_of(h, y)

            value = torch.func.grad_and_value(whole, argnums=tuple(range(2, 2 + len(p))))

            @torch.compile(dynamic=False, **COMPILED[self.how])
            def compiled(x, y, q):
                grads, loss = value(x, y, *q)
                for one, g in zip(q, grads):
                    one.sub_(lr * g)
                return loss

            detached = [q.detach() for q in p]

            def step(x, y):
                with torch.no_grad():
                    return compiled(x, y, detached)

        self.train = step

    def step(self):
        index = self.cursor.next()
        return self.train(self.x[index], self.y[index])

    def gate(self, steps):
        self.reset()
        return [float(self.step()) for _ in range(steps)], [q.detach().numpy() for q in self.p]

    def time(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            last = self.step()
        float(last)
        return time.perf_counter() - start

    def op(self):
        a, b, p = torch.ones(1), torch.ones(1), torch.ones(1, requires_grad=True)
        return ns_of(lambda: a + b), ns_of(lambda: p + b)

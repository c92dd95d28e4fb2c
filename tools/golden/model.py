# Writes tests/golden/model_f32.safetensors, model_f64.safetensors: what torch.nn.Sequential(Linear(6, 5),
# ReLU(), Linear(5, 3)).state_dict() saves as, nothing else, and model.safetensors: an input and the logits
# of both.
import torch
from safetensors.torch import save_file

from common import OUT

torch.manual_seed(3)
net = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
x = torch.randn(7, 6, dtype=torch.float64)
values = {"x": x}
for name, dtype in (("f32", torch.float32), ("f64", torch.float64)):
    net = net.to(dtype)
    if dtype == torch.float64:  # digits that f32 does not have
        with torch.no_grad():
            for p in net.parameters(): p.add_(torch.rand_like(p) * 1e-9)
    save_file(net.state_dict(), f"{OUT}/model_{name}.safetensors")
    values[f"logits_{name}"] = net(x.to(dtype)).detach()
save_file(values, f"{OUT}/model.safetensors")

"""gdb shows tensors, shapes, layouts, storages and modules as a person would write them.

    (gdb) source tools/gdb/gradus.py
    (gdb) p w
    $1 = f32[784,50] strides [50,1]: 1.9269 1.4873 0.90072 -2.1055 0.67842 ..., requires_grad

Nothing of the program is called, only its memory is read: it works on a core file too, and in the
middle of a crash. docs/debugging.md has a session.
"""
import gdb

SHOWN = 5
# dtype, in the order of gradus::DType: name, C type.
DTYPES = [("bool", "unsigned char"), ("u8", "unsigned char"), ("i32", "int"), ("i64", "long"),
          ("f32", "float"), ("f64", "double")]


# -- libstdc++ from inside -------------------------------------------------------------------------
def object_at(pointer):
    return pointer.dereference() if int(pointer) else None


def pointee(shared):
    """What a shared_ptr points to, or None."""
    return object_at(shared["_M_ptr"])


def string_of(text):
    return text["_M_dataplus"]["_M_p"].string(length=int(text["_M_string_length"]))


def vector_of(vector):
    begin, end = vector["_M_impl"]["_M_start"], vector["_M_impl"]["_M_finish"]
    return [begin[i] for i in range(int(end - begin))]


# -- gradus ----------------------------------------------------------------------------------------
def ints(shape):
    values = shape["values_"]
    return [int(values[i]) for i in range(int(shape["rank_"]))]


def brackets(values):
    return "[" + ",".join(str(value) for value in values) + "]"


def positions(layout, count):
    """Where the first `count` elements in row-major order lie."""
    shape, strides = ints(layout["shape"]), ints(layout["strides"])
    for number in range(count):
        at = int(layout["offset"])
        for size, stride in zip(reversed(shape), reversed(strides)):
            at += number % size * stride
            number //= size
        yield at


def numel(shape):
    count = 1
    for size in shape:
        count *= size
    return count


def elements(block, layout, dtype):
    """": 1 2 3 ..."; how many there are is in the shape."""
    count = numel(ints(layout["shape"]))
    if count == 0:
        return ""
    data = block["data"]["_M_b"]["_M_p"]
    if int(data) == 0:
        return ": not written out"
    name, c_type = DTYPES[dtype]
    values = data.cast(gdb.lookup_type(c_type).pointer())
    try:
        shown = [values[at] for at in positions(layout, min(count, SHOWN))]
        words = [("true" if int(v) else "false") if name == "bool" else
                 "%.5g" % float(v) if name.startswith("f") else str(int(v)) for v in shown]
    except gdb.MemoryError:
        return ": memory that cannot be read"
    return ": " + " ".join(words) + (" ..." if count > SHOWN else "")


class ShapePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return brackets(ints(self.value))


class LayoutPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        text = brackets(ints(self.value["shape"])) + " strides " + brackets(ints(self.value["strides"]))
        offset = int(self.value["offset"])
        return text + (" offset %d" % offset if offset else "")


class StoragePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        block = pointee(self.value["block_"])
        if block is None:
            return "empty"
        return "%d bytes, version %d%s" % (int(block["bytes"]), int(block["version"]["_M_i"]),
                                           "" if int(block["data"]["_M_b"]["_M_p"]) else ", not written out")


class TensorPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        state = object_at(self.value["state_"]["object_"])
        if state is None:
            return "empty"
        layout, dtype = state["layout"], int(state["dtype"])
        text = DTYPES[dtype][0] + LayoutPrinter(layout).to_string()
        block = pointee(state["storage"]["block_"])
        text += elements(block, layout, dtype) if block is not None else ""
        name = string_of(state["name"])
        if name:
            text += ", named " + name
        # A parameter is one by decree; a result of parameters has a history.
        if bool(state["requires_grad"]):
            text += ", requires_grad"
        elif pointee(state["history"]["node"]) is not None:
            text += ", computed from parameters"
        if pointee(state["grad"]) is not None:
            text += ", has grad"
        return text


class ModulePrinter:
    """The type, and below it the fields: tensors and modules as they are shown alone."""

    def __init__(self, value):
        if value.type.code == gdb.TYPE_CODE_REF:
            value = value.referenced_value()
        self.value = value.cast(value.dynamic_type)

    def to_string(self):
        return self.value.type.unqualified().name + ("" if is_training(self.value) else " (eval)")

    def children(self):
        return fields_of(self.value)


def fields_of(value):
    """Names and values, of bases too; the layers of a list by number."""
    for field in value.type.strip_typedefs().fields():
        if field.is_base_class:
            if field.type.strip_typedefs().name != "gradus::nn::Module":
                yield from fields_of(value[field])
        elif field.name == "layers_" and value.type.strip_typedefs().name == "gradus::nn::ModuleList":
            for number, layer in enumerate(vector_of(value[field])):
                yield "[%d]" % number, pointee(layer["module"])
        elif not field.name.startswith("_vptr") and hasattr(field, "bitpos"):
            yield field.name, value[field]


def bases(type_):
    return [field for field in type_.fields() if field.is_base_class]


def is_module(type_):
    return type_.name == "gradus::nn::Module" or any(is_module(base.type.strip_typedefs())
                                                     for base in bases(type_))


def is_training(value):
    type_ = value.type.strip_typedefs()
    if type_.name == "gradus::nn::Module":
        return bool(value["training_"]) if type_.fields() else True
    return all(is_training(value[base]) for base in bases(type_) if is_module(base.type.strip_typedefs()))


PRINTERS = {"gradus::Shape": ShapePrinter, "gradus::Layout": LayoutPrinter,
            "gradus::Storage": StoragePrinter, "gradus::Tensor": TensorPrinter}


def lookup(value):
    type_ = value.type
    if type_.code == gdb.TYPE_CODE_REF:
        type_ = type_.target()
    type_ = type_.strip_typedefs().unqualified()
    if type_.code != gdb.TYPE_CODE_STRUCT:
        return None
    if type_.name in PRINTERS:
        return PRINTERS[type_.name](value)
    return ModulePrinter(value) if is_module(type_) else None


lookup.__name__ = "gradus"
gdb.pretty_printers = [p for p in gdb.pretty_printers if getattr(p, "__name__", "") != "gradus"]
gdb.pretty_printers.append(lookup)

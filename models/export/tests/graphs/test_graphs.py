"""Graphs of small models: made, checked, filled from a file, and compared with the reference library on the same file."""

import multiprocessing
import zipfile
from io import BytesIO

import open_clip
import pytest
import timm
import torch
from conftest import HERE, TINY_CLIP
from make_tiny_blip import tiny_config
from safetensors.torch import load_file, save_file
from tiny_captioners import KINDS

from torch_interrogator_export.caption import blip, blip2, git
from torch_interrogator_export.clip.model import register_config
from torch_interrogator_export.clip.text import published
from torch_interrogator_export.clip.weightless import without_weights
from torch_interrogator_export.errors import ExportError
from torch_interrogator_export.graphs import __main__ as graphs_command
from torch_interrogator_export.graphs import make, reference
from torch_interrogator_export.graphs.blob import from_bytes, to_bytes
from torch_interrogator_export.graphs.compare import compare
from torch_interrogator_export.graphs.depth import reduced
from torch_interrogator_export.graphs.make import check_graph, make_graph
from torch_interrogator_export.graphs.reference import write_reference
from torch_interrogator_export.graphs.sources import caption_source, clip_source, graph_name, graph_names, source


@pytest.fixture(autouse=True)
def _gradients_are_off_but_tensors_are_plain(_no_gradients):
    with torch.inference_mode(False), torch.no_grad():
        yield


@pytest.fixture(scope="session")
def sources(write_config):
    """By name, the small models that stand for what there are graphs of."""
    own_text = {"custom_text": True, "text_cfg": {"proj_bias": True, "pool_type": "eos", "eos_id": 49407}}
    files = {
        "graph-vit": TINY_CLIP,
        "graph-resnet": HERE / "data" / "tiny-resnet.json",
        "graph-own-text": write_config("graph-own-text", **own_text),
        "graph-average": write_config("graph-average", vision_cfg={"pool_type": "avg"}, text_cfg={"proj_type": "none"}),
        "graph-attention-pool": write_config(
            "graph-attention-pool",
            vision_cfg={"attentional_pool": True, "attn_pooler_queries": 5, "attn_pooler_heads": 4},
        ),
    }
    siglip = {"hf_tokenizer_name": "timm/ViT-B-16-SigLIP", "tokenizer_kwargs": {"clean": "canonicalize"}}
    files |= {
        "graph-coca": write_config(
            "graph-coca",
            custom_text=True,
            vision_cfg={"attentional_pool": True, "attn_pooler_queries": 5, "attn_pooler_heads": 4, "output_tokens": True},
            text_cfg={"embed_cls": True, "output_tokens": True},
            multimodal_cfg={"width": 32, "layers": 1, "heads": 4},
        ),
        "graph-siglip": write_config(
            "graph-siglip",
            custom_text=True,
            text_cfg=siglip | {"vocab_size": 600, "no_causal_mask": True, "pool_type": "last", "proj_bias": True},
        ),
        "graph-worldwide": write_config(
            "graph-worldwide",
            text_cfg={"hf_tokenizer_name": "facebook/xlm-v-base", "vocab_size": 600, "pool_type": "eos", "eos_id": 2},
        ),
    }
    for name, file in files.items():
        register_config(name, str(file))
    clip = {name: clip_source(name) for name in files}
    captioners = {"graph-blip": caption_source(blip.FAMILY, tiny_config(), TOKENIZER)}
    for kind, family in {"opt": blip2.FAMILY, "t5": blip2.FAMILY, "git": git.FAMILY}.items():
        captioners[f"graph-{kind}"] = caption_source(family, KINDS[kind]()[0].config, TOKENIZER)
    return clip | captioners | {"graph-vit-quickgelu": clip_source("graph-vit", True)}


NAMES = [
    "graph-vit",
    "graph-vit-quickgelu",
    "graph-resnet",
    "graph-own-text",
    "graph-average",
    "graph-attention-pool",
    "graph-coca",
    "graph-siglip",
    "graph-worldwide",
    "graph-blip",
    "graph-opt",
    "graph-t5",
    "graph-git",
]
TOKENIZER = {"file": "tokenizer.json"}


@pytest.mark.parametrize("name", NAMES)
def test_a_graph_with_a_file_of_weights_answers_as_the_reference_does_with_that_file(name, sources, tmp_path):
    blob = make_graph(sources[name])
    check_graph(sources[name], blob)
    answers = write_reference(name, sources[name], tmp_path, seed=3)
    assert compare(from_bytes(blob), tmp_path)["passed"]
    if answers["kind"] == "clip":
        # Features that are all the same would agree with anything.
        for features in (answers["imageFeatures"], answers["textFeatures"]):
            first, second = torch.tensor(features[0]), torch.tensor(features[1])
            assert first @ second < 0.999


def test_weights_in_16_bits_are_what_the_reference_makes_of_them(sources, tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "_FLOAT32_BELOW", 0)
    answers = write_reference("graph-vit", sources["graph-vit"], tmp_path, seed=3)
    assert answers["dtype"] == "float16"
    assert load_file(tmp_path / answers["weights"])["text_projection"].dtype is torch.float16
    assert compare(from_bytes(make_graph(sources["graph-vit"])), tmp_path)["passed"]


def test_a_mixed_up_file_of_weights_shows(sources, tmp_path):
    answers = write_reference("graph-vit", sources["graph-vit"], tmp_path, seed=3)
    file = tmp_path / answers["weights"]
    weights = load_file(file)
    one, other = "ln_final.weight", "ln_final.bias"
    weights[one], weights[other] = weights[other], weights[one]
    save_file(weights, file)
    assert not compare(from_bytes(make_graph(sources["graph-vit"])), tmp_path)["passed"]


@pytest.mark.parametrize("name", ["graph-vit", "graph-resnet", "graph-blip", "graph-opt", "graph-t5", "graph-git"])
def test_a_graph_is_the_same_whenever_it_is_made(name, sources):
    blobs = [_made_apart(sources[name]) for _ in range(2)]
    assert blobs[0] == blobs[1]


def test_the_modules_hold_no_weights_and_nothing_of_the_machine(sources):
    graph = from_bytes(make_graph(sources["graph-resnet"]))
    assert list(graph.modules) == ["image.pt", "text.pt"]
    for name, content in graph.modules.items():
        with zipfile.ZipFile(BytesIO(content)) as archive:
            assert not [each for each in archive.namelist() if each.endswith(("debug_pkl", "serialization_id"))]
            for entry in archive.infolist():
                assert (entry.compress_type, entry.date_time) == (zipfile.ZIP_STORED, (1980, 1, 1, 0, 0, 0))
                assert not entry.filename.startswith("archive/data/") or entry.file_size <= 8
        module = torch.jit.load(BytesIO(content))
        mapped = {entry["to"] for entry in graph.header["parameters"][name]}
        assert {each for each, _ in module.named_parameters()} <= mapped
        held = {each for each, tensor in module.named_buffers() if tensor.numel() > 0}
        assert {each.rpartition(".")[2] for each in held} <= {"dtype_of", "num_batches_tracked"}


def test_the_header_says_what_is_read_and_what_may_be_there(sources):
    blob = make_graph(sources["graph-vit"])
    assert int.from_bytes(blob[:8], "little") % 8 == 0
    header = from_bytes(blob).header
    assert (header["graphVersion"], header["kind"]) == (1, "clip")
    assert header["tensors"]["visual.conv1.weight"][1:] == [3, 8, 8]
    read = {entry["from"] for entries in header["parameters"].values() for entry in entries}
    assert read == set(header["tensors"])
    assert {"logit_scale", "logit_bias", "attn_mask", "input_resolution"} <= set(header["unused"])
    assert {"to": "projection.weight", "from": "text_projection", "transpose": True} in header["parameters"]["text.pt"]
    assert not {"formatVersion", "name", "files", "source", "vocabulary", "precision"} & set(header["manifest"])


def test_tied_weights_are_one_tensor_under_all_its_names(sources):
    header = from_bytes(make_graph(sources["graph-blip"])).header
    words = "text_decoder.bert.embeddings.word_embeddings.weight"
    assert header["aliases"][words] == ["text_decoder.cls.predictions.decoder.weight"]
    assert [entry["to"] for entry in header["parameters"]["decoder.pt"] if entry["from"] == words] == [
        "word_embedding",
        "head_weight",
    ]


def test_a_text_tower_of_its_own_is_found_under_its_older_names(sources):
    header = from_bytes(make_graph(sources["graph-own-text"])).header
    assert header["aliases"]["text.token_embedding.weight"] == ["token_embedding.weight"]


def test_a_table_that_is_wrong_fails_the_check(sources):
    graph = from_bytes(make_graph(sources["graph-vit"]))
    entries = graph.header["parameters"]["image.pt"]
    rows = next(entry for entry in entries if entry.get("rows"))
    rows["rows"] = [rows["rows"][0] + 1, rows["rows"][1] + 1]
    header = {key: value for key, value in graph.header.items() if key not in ("graphVersion", "modules")}
    with pytest.raises(ExportError, match="is not what the graph takes for it"):
        check_graph(sources["graph-vit"], to_bytes(header, graph.modules))


@pytest.fixture
def large(monkeypatch):
    """Every model counts as too large to be in memory at once."""
    monkeypatch.setattr(make, "_RUN_BELOW", 0)
    monkeypatch.setattr(make, "_NUMBERS_AT_ONCE", 20_000)


def test_a_large_model_is_checked_a_part_at_a_time(sources, large, monkeypatch):
    graph = make_graph(sources["graph-coca"])
    parts = []
    check = make._check_tensors
    monkeypatch.setattr(make, "_check_tensors", lambda *given: (parts.append(given[-1]), check(*given)))
    check_graph(sources["graph-coca"], graph)
    assert len(parts) > 5
    names = [name for part in parts for name in part]
    assert len(names) == len(set(names))
    assert set(from_bytes(graph).header["tensors"]) <= set(names)


def test_a_wrong_table_of_a_large_model_fails_the_check(sources, large):
    graph = from_bytes(make_graph(sources["graph-coca"]))
    entries = {entry["to"]: entry for entry in graph.header["parameters"]["image.pt"]}
    entries["tower.pool.k.weight"]["from"], entries["tower.pool.v.weight"]["from"] = (
        entries["tower.pool.v.weight"]["from"],
        entries["tower.pool.k.weight"]["from"],
    )
    header = {key: value for key, value in graph.header.items() if key not in ("graphVersion", "modules")}
    with pytest.raises(ExportError, match="is not what the graph takes for it"):
        check_graph(sources["graph-coca"], to_bytes(header, graph.modules))


def test_what_only_captions_read_is_left_in_the_file(sources):
    header = from_bytes(make_graph(sources["graph-coca"])).header
    assert header["unused"][-1] == "text_decoder.*"
    assert not any(name.startswith("text_decoder.") for name in [*header["tensors"], *header["unused"][:-1]])


def test_the_manifest_says_what_a_tokenizer_of_the_hub_adds(sources):
    manifest = from_bytes(make_graph(sources["graph-siglip"])).header["manifest"]
    assert manifest["tokenizer"] == {"repository": "timm/ViT-B-16-SigLIP", "clean": "canonicalize"}
    text = manifest["text"]
    assert (text["tower"], text["sotId"], text["eotId"], text["padId"]) == ("bidirectional", None, 1, 1)


def test_equal_constants_are_one_tensor():
    with reduced(2):
        graph = from_bytes(make_graph(source("vit_relpos_medium_patch16_cls_224")))
    module = torch.jit.load(BytesIO(graph.modules["image.pt"]))
    tables = [buffer for name, buffer in module.named_buffers(remove_duplicate=False) if name.endswith("position_index")]
    assert [table.data_ptr() for table in tables] == [tables[0].data_ptr()] * 2


def test_a_reduced_model_is_the_same_with_fewer_layers():
    whole = {name: open_clip.get_model_config(name) for name in ("RN50", "coca_ViT-L-14", "ViT-H-14-worldwide")}
    with reduced(2), without_weights():
        configs = {name: open_clip.get_model_config(name) for name in whole}
        encoder = published.published_config("google/mt5-xl")
        network = timm.create_model("fastvit_mci3")
    assert configs["RN50"]["vision_cfg"]["layers"] == [2, 2, 2, 2]
    coca = configs["coca_ViT-L-14"]
    assert [coca[part]["layers"] for part in ("vision_cfg", "text_cfg", "multimodal_cfg")] == [2, 2, 2]
    assert coca["vision_cfg"]["width"] == whole["coca_ViT-L-14"]["vision_cfg"]["width"]
    assert configs["ViT-H-14-worldwide"]["text_cfg"]["vocab_size"] == 32_000
    assert (encoder.num_layers, encoder.d_model, encoder.vocab_size) == (2, 2048, 32_000)
    assert [len(stage.blocks) for stage in network.stages] == [2] * 5
    assert {name: open_clip.get_model_config(name) for name in whole} == whole


def test_a_tensor_that_no_module_reads_is_an_error(sources):
    made = sources["graph-vit"]

    def with_more(device: str) -> torch.nn.Module:
        model = made.make(device)
        model.register_parameter("more", torch.nn.Parameter(torch.empty(3, device=device)))
        return model

    with pytest.raises(ExportError, match="no module reads more"):
        make_graph(_with(made, make=with_more))


def test_names_of_graphs_are_architectures_and_their_activation():
    # Other tests give open_clip architectures of their own.
    names = [name for name in graph_names() if not name.startswith(("graph-", "tiny-"))]
    assert len(names) == len(set(names)) == 147
    assert graph_name("ViT-L-14", True) == graph_name("ViT-L-14-quickgelu", True) == "ViT-L-14-quickgelu"
    assert graph_name("ViT-H-14", False) == "ViT-H-14"
    # Architectures that differ by their names alone.
    assert graph_name("MobileCLIP-S2", False) == "MobileCLIP2-S2"
    assert names[-5:] == ["blip-base", "blip-large", "blip2-2.7b", "blip2-flan-t5-xl", "git-large-coco"]
    with pytest.raises(ExportError, match="no graph 'ViT-Z'"):
        source("ViT-Z")


def _with(made, **changes):
    return type(made)(**{**vars(made), **changes})


def _made_apart(made) -> bytes:
    """A graph from a process of its own."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=lambda: theirs.send_bytes(make_graph(made)))
    child.start()
    blob = ours.recv_bytes()
    child.join()
    return blob


@pytest.mark.parametrize("command", ["reference", "compare"])
def test_without_names_every_graph_is_meant_also_with_fewer_layers(command, monkeypatch, tmp_path):
    done: list[str] = []
    monkeypatch.setattr(graphs_command, "_apart", lambda _, name, *rest: done.append(name) is None)
    assert graphs_command.main([command, "--depth", "2", "--out", str(tmp_path)]) == 0
    assert done == graph_names()

"""Writes a small captioner of any family as a transformers folder: `python tiny_captioners.py KIND FOLDER [SEED]`.

Kinds: blip, opt and t5 (BLIP-2), git. Weights are drawn wide, so that what is decoded depends on the image and visits many
tokens; the token that ends a caption is one that captions come to, so that they end at different lengths.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from clip_interrogator import Config
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import nn
from transformers import (
    BertTokenizerFast,
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    BlipProcessor,
    CLIPImageProcessor,
    GitConfig,
    GitForCausalLM,
    GitProcessor,
    GPT2TokenizerFast,
    ProcessorMixin,
    T5TokenizerFast,
)

BERT_WORDS = Path(__file__).parents[1] / "torch_interrogator_export" / "data" / "bert-base-uncased-vocab.txt"
SIZE = 56
QUERIES = 4
NEW_TOKENS = 16

_BLIP_VISION = {
    "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "image_size": SIZE, "patch_size": 14,
}  # fmt: skip
_QFORMER = {
    "hidden_size": 40, "intermediate_size": 80, "num_hidden_layers": 3, "num_attention_heads": 4, "encoder_hidden_size": 48,
}  # fmt: skip


def _terms() -> list[str]:
    folder = Path(Config.data_path)
    return [
        line
        for name in ("flavors", "artists", "mediums")
        for line in (folder / f"{name}.txt").read_text("utf-8").splitlines()[:4000]
    ]


def opt_tokenizer() -> GPT2TokenizerFast:
    """GPT-2's kind of byte-level BPE, with OPT's special tokens: </s> begins and ends."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(_terms(), trainer)
    return GPT2TokenizerFast(
        tokenizer_object=tokenizer, bos_token="</s>", eos_token="</s>", unk_token="</s>", pad_token="<pad>",
        add_bos_token=True, clean_up_tokenization_spaces=True,
    )  # fmt: skip


def t5_tokenizer() -> T5TokenizerFast:
    """T5's kind: Unigram pieces that begin with ▁ where a word does; </s> ends a text."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" {2,}", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=500, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(_terms(), trainer)
    return T5TokenizerFast(tokenizer_object=tokenizer, extra_ids=0, clean_up_tokenization_spaces=True)


def bert_tokenizer() -> BertTokenizerFast:
    return BertTokenizerFast(str(BERT_WORDS))


def _blip() -> tuple[nn.Module, ProcessorMixin]:
    tokenizer = bert_tokenizer()
    tokenizer.add_special_tokens({"bos_token": "[DEC]", "additional_special_tokens": ["[ENC]"]})
    text = {
        "vocab_size": 30524, "hidden_size": 32, "encoder_hidden_size": 48, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 64,
    }  # fmt: skip
    model = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=_BLIP_VISION))
    return model, BlipProcessor(BlipImageProcessor(size={"height": SIZE, "width": SIZE}), tokenizer)


def _blip2(tokenizer, text: dict) -> tuple[nn.Module, ProcessorMixin]:
    processor = Blip2Processor(BlipImageProcessor(size={"height": SIZE, "width": SIZE}), tokenizer, num_query_tokens=QUERIES)
    image_id = tokenizer.convert_tokens_to_ids("<image>")
    # As in the published ones, there are more rows than words.
    text = {**text, "vocab_size": len(tokenizer) + 7}
    config = Blip2Config(
        vision_config=_BLIP_VISION,
        qformer_config=_QFORMER,
        text_config=text,
        num_query_tokens=QUERIES,
        image_token_index=image_id,
    )
    return Blip2ForConditionalGeneration(config), processor


def _opt() -> tuple[nn.Module, ProcessorMixin]:
    text = {
        "model_type": "opt", "hidden_size": 32, "word_embed_proj_dim": 32, "ffn_dim": 64, "num_hidden_layers": 3,
        "num_attention_heads": 4, "max_position_embeddings": 64, "eos_token_id": 300,
    }  # fmt: skip
    return _blip2(opt_tokenizer(), text)


def _t5() -> tuple[nn.Module, ProcessorMixin]:
    text = {
        "model_type": "t5", "d_model": 32, "d_ff": 64, "d_kv": 12, "num_layers": 3, "num_heads": 4,
        "feed_forward_proj": "gated-gelu", "dense_act_fn": "gelu", "bos_token_id": 1, "decoder_start_token_id": 0,
        "tie_word_embeddings": False, "n_positions": 64,
        # Small, so that a text's distances reach the wide buckets.
        "relative_attention_num_buckets": 8, "relative_attention_max_distance": 12,
    }  # fmt: skip
    return _blip2(t5_tokenizer(), text)


def _git() -> tuple[nn.Module, ProcessorMixin]:
    vision = {**_BLIP_VISION, "hidden_act": "quick_gelu"}
    config = GitConfig(
        vision_config=vision, vocab_size=30522, hidden_size=32, intermediate_size=64, num_hidden_layers=3,
        num_attention_heads=4, max_position_embeddings=64,
    )  # fmt: skip
    processor = CLIPImageProcessor(size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE})
    return GitForCausalLM(config), GitProcessor(processor, bert_tokenizer())


KINDS: dict[str, Callable[[], tuple[nn.Module, ProcessorMixin]]] = {"blip": _blip, "opt": _opt, "t5": _t5, "git": _git}


def make_tiny_captioner(kind: str, folder: Path, seed: int = 0) -> nn.Module:
    """Saves model and processor, tokenizer included."""
    torch.manual_seed(seed)
    with torch.inference_mode(False), torch.no_grad():
        model, processor = KINDS[kind]()
        model.eval()
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0.0, 1.5 * parameter[0].numel() ** -0.5)
            else:
                parameter.add_(torch.randn_like(parameter) * 0.1)
        model.tie_weights()
        _set_end(kind, model, _end_of(kind, model))
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return model


def load_tiny_captioner(folder: Path) -> tuple[nn.Module, ProcessorMixin]:
    """As clip-interrogator loads it."""
    kind = json.loads((folder / "config.json").read_text())["model_type"]
    classes = {"blip": BlipForConditionalGeneration, "blip-2": Blip2ForConditionalGeneration, "git": GitForCausalLM}
    processors = {"blip": BlipProcessor, "blip-2": Blip2Processor, "git": GitProcessor}
    return classes[kind].from_pretrained(folder, torch_dtype=torch.float32).eval(), processors[kind].from_pretrained(folder)


def prompt_ids(model: nn.Module, processor: ProcessorMixin, text: str) -> torch.Tensor:
    """What generate takes as input_ids for a caption that goes on from a text: as each model's documentation does it."""
    ids = processor.tokenizer(text, add_special_tokens=False).input_ids
    if isinstance(model, BlipForConditionalGeneration):
        # generate takes the last one off, which is [SEP] with special tokens, and puts [DEC] first.
        return torch.tensor([processor.tokenizer(text).input_ids])
    if isinstance(model, GitForCausalLM):
        return torch.tensor([[processor.tokenizer.cls_token_id, *ids]])
    images = [model.config.image_token_index] * model.config.num_query_tokens
    if model.language_model.config.is_encoder_decoder:
        return torch.tensor([[*images, *ids, processor.tokenizer.eos_token_id]])
    return torch.tensor([[*images, processor.tokenizer.bos_token_id, *ids]])


def _pictures() -> torch.Tensor:
    coarse = torch.randn(40, 3, 4, 4, generator=torch.Generator().manual_seed(1)) * 1.5
    return nn.functional.interpolate(coarse, size=(SIZE, SIZE), mode="bicubic")


def _text_config(kind: str, model: nn.Module):
    return model.config if kind == "git" else model.config.text_config


def _set_end(kind: str, model: nn.Module, end: int) -> None:
    name = "sep_token_id" if kind == "blip" else "eos_token_id"
    text = _text_config(kind, model)
    setattr(text, name, end)
    for each in _generating(kind, model):
        setattr(each.config, name, end)
        each.generation_config.eos_token_id = end


def _generating(kind: str, model: nn.Module) -> Iterator[nn.Module]:
    yield {"blip": lambda: model.text_decoder, "git": lambda: model}.get(kind, lambda: model.language_model)()


def _end_of(kind: str, model: nn.Module) -> int:
    """A token that captions come to at as many different places as any."""
    _set_end(kind, model, _text_config(kind, model).vocab_size - 1)
    free = model.generate(pixel_values=_pictures(), max_new_tokens=NEW_TOKENS, num_beams=1, do_sample=False)[
        :, -NEW_TOKENS + 1 :
    ]

    def places(token: int) -> tuple[int, int]:
        found = [row.index(token) for row in free.tolist() if token in row]
        return len(set(found)), -abs(2 * len(found) - len(free))

    return max(sorted({token for row in free.tolist() for token in row if token > 3}), key=places)


if __name__ == "__main__":
    make_tiny_captioner(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)

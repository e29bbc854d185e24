"""Reads outputs of runs with the packages that people read them with. Requests and answers: a JSON object a line."""

import csv
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
csv.field_size_limit(1 << 30)


def read_csv(file, delimiter=","):
    with Path(file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter=delimiter))


def read_parquet(file):
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(file)
    return {"types": {field.name: str(field.type) for field in table.schema}, "rows": table.to_pylist()}


def read_parquet_groups(file, step):
    """How many rows each row group has, the bytes of the footer, and every so manyth row."""
    import pyarrow.parquet

    opened = pyarrow.parquet.ParquetFile(file)
    metadata = opened.metadata
    groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    rows = opened.read().take(list(range(0, metadata.num_rows, int(step)))).to_pylist()
    return {"groups": groups, "footer": metadata.serialized_size, "rows": rows}


def read_image_folder(folder, cache):
    import datasets

    datasets.disable_progress_bars()
    loaded = datasets.load_dataset("imagefolder", data_dir=folder, split="train", cache_dir=cache)
    return [{"size": list(row["image"].size), "text": row["text"]} for row in loaded]


def read_web_dataset(file):
    import webdataset

    samples = webdataset.WebDataset(file, shardshuffle=False).decode("pil")
    rows = []
    for sample in samples:
        (image,) = (value for value in sample.values() if hasattr(value, "size"))
        about = {"key": sample["__key__"], "size": list(image.size)}
        rows.append(about | {"text": sample["txt"], "image": sample["json"]["image"]})
    return rows


def read_kohya(file, image_dir):
    """What sd-scripts' FineTuningDataset takes from a metadata file (library/train_util.py, version 0.9).

    A key is a path that exists, or a name below the folder of images; the caption, joined with the tags, must not be empty.
    """
    pictures = []
    for key, about in json.loads(Path(file).read_text(encoding="utf-8")).items():
        path = key if os.path.exists(key) else next((str(each) for each in Path(image_dir).glob(f"{key}.*")), None)
        if path is None:
            raise AssertionError(f"no image: {key}")
        caption, tags = about.get("caption"), about.get("tags")
        if caption is None:
            caption = tags
        elif tags:
            caption = f"{caption}, {tags}"
        if not caption:
            raise AssertionError(f"caption or tag is required: {path}")
        pictures.append({"path": path, "caption": caption})
    return pictures


READERS = {
    each.__name__: each
    for each in (read_csv, read_parquet, read_parquet_groups, read_image_folder, read_web_dataset, read_kohya)
}

if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"value": READERS[request["reader"]](*request["arguments"])}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)

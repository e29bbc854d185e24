"""A caption bundle's tokenizer.json against BERT's."""

from torch_interrogator_export.caption.tokenizer import bert_uncased


def test_captions_decode_as_berts_do_and_ids_outside_the_vocabulary_are_left_out():
    tokenizer = bert_uncased()
    assert tokenizer.get_vocab_size() == 30524
    assert (tokenizer.token_to_id("[DEC]"), tokenizer.token_to_id("[ENC]")) == (30522, 30523)
    ids = [30522, *tokenizer.encode("Two cats aren't sleeping, unbelievably.").ids, 102, 0, 0]
    assert tokenizer.decode(ids) == "two cats aren't sleeping, unbelievably."
    assert tokenizer.decode([1037, 99_999, 4937]) == "a cat"

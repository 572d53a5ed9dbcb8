-- $item_ids: the provisional items whose authoritative content has arrived.
update imported_item as item set
    source = incoming_item.source,
    question = incoming_item.question,
    context = incoming_item.context,
    label_set = incoming_item.label_set,
    labels = incoming_item.labels,
    options = incoming_item.options,
    gold_label = incoming_item.gold_label,
    long_answer = incoming_item.long_answer,
    split = incoming_item.split,
    metadata = incoming_item.metadata,
    is_several = incoming_item.is_several,
    origin = incoming_item.origin,
    content_hash = incoming_item.content_hash
from incoming_item
where incoming_item.item_id = item.item_id
    and item.item_id in (select unnest($item_ids::varchar[]))

update scratch.item set record_label = gold.label, record_origin = gold.origin
from gold
where gold.item_id = item.item_id
    and (
        record_label is distinct from gold.label or record_origin is distinct from gold.origin
    )

-- The confidence is that of the label decided for, which need not be the most probable one.
insert into stored_prediction by name
select
    incoming_prediction.* replace (
        coalesce(head_probabilities[list_position(item.labels, head_label)], head_confidence)
            as head_confidence
    )
from incoming_prediction
join every_item as item using (item_id)

-- The confidence is that of the label decided for, which need not be the most probable one; of a set of
-- labels, that each is right and no other, as if they were independent of each other. The margin of a
-- set is that of the label closest to one half.
insert into stored_prediction by name
select
    incoming_prediction.* replace (
        case
            when item.is_several then list_product(list_transform(
                head_probabilities,
                lambda p, place: if(list_contains(labels_in(head_label), item.labels[place]), p, 1 - p)
            ))
            else coalesce(head_probabilities[list_position(item.labels, head_label)], head_confidence)
        end as head_confidence,
        case
            when item.is_several
                then list_min(list_transform(head_probabilities, lambda p: abs(2 * p - 1)))
            else head_margin
        end as head_margin
    )
from incoming_prediction
join every_item as item using (item_id)

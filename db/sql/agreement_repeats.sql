-- How reviewers labelled items when they met them again unannounced.
-- $label_set, $origin, $phase, $source (null: all)
select
    repeated_rating.reviewer_id,
    repeated_rating.first_labels,
    repeated_rating.repeat_labels,
    count(*) as num_items
from repeated_rating
join item on item.item_id = repeated_rating.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = repeated_rating.item_id
where item.label_set = $label_set
    and repeated_rating.origin = $origin
    and repeated_rating.phase = $phase
    and ($source is null or item.source = $source)
group by all
order by all

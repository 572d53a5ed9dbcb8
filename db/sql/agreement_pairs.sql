-- How two reviewers labelled the same items. $label_set, $origin, $phase, $source (null: all)
with rated as materialized (
    select rating.item_id, rating.reviewer_id, rating.labels
    from rating
    join item on item.item_id = rating.item_id
    anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = rating.item_id
    where item.label_set = $label_set
        and rating.origin = $origin
        and rating.phase = $phase
        and ($source is null or item.source = $source)
)
select one.reviewer_id, other.reviewer_id, one.labels, other.labels, count(*) as num_items
from rated as one
join rated as other on other.item_id = one.item_id and one.reviewer_id < other.reviewer_id
group by all
order by all

-- Seconds that a reviewer spent on an item, all phases together. $label_set, $origin, $source
select rating.reviewer_id, sum(rating.duration_seconds) as seconds
from rating
join item on item.item_id = rating.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = rating.item_id
where item.label_set = $label_set
    and rating.origin = $origin
    and ($source is null or item.source = $source)
group by rating.item_id, rating.reviewer_id
having seconds is not null
order by all

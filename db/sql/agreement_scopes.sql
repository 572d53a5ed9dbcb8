-- Which ratings there are to agree: by who gave them, label set, source and phase.
select
    rating.origin,
    item.label_set,
    item.source,
    rating.phase,
    count(*) as num_ratings,
    count(distinct rating.item_id) as num_items,
    count(distinct rating.reviewer_id) as num_reviewers
from rating
join item on item.item_id = rating.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = rating.item_id
where len(item.labels) > 0
group by all
order by num_ratings desc, rating.origin, item.label_set, item.source, rating.phase

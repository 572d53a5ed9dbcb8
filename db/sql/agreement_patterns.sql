-- How many items were answered alike: their gold label and all answers to them, each a list of labels.
-- $gold: record or imported; $label_set, $origin, $phase, $source (null: all)
select gold, answers, count(*) as num_items
from (
    select
        any_value(case $gold when 'record' then record.label else item.gold_label end) as gold,
        list_sort(list(rating.labels)) as answers
    from rating
    join item on item.item_id = rating.item_id
    anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = rating.item_id
    left join (select item_id, label from gold where $gold = 'record') as record
        on record.item_id = rating.item_id
    where item.label_set = $label_set
        and rating.origin = $origin
        and rating.phase = $phase
        and ($source is null or item.source = $source)
    group by rating.item_id
)
group by gold, answers
order by all

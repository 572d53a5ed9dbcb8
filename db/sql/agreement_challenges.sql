-- Items with at least two reviewers, and those of which at least $threshold say the same fault.
-- $gold: record or imported; $label_set, $origin, $source (null: all)
with judged as (
    select
        final_rating.item_id,
        count(*) as num_ratings,
        any_value(case $gold when 'record' then record.label else item.gold_label end) as gold,
        count(*) filter (
            where not accepts(
                final_rating.labels,
                case $gold when 'record' then record.label else item.gold_label end
            )
        ) as num_rejecting
    from final_rating
    join item on item.item_id = final_rating.item_id
    anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = final_rating.item_id
    left join (select item_id, label from gold where $gold = 'record') as record
        on record.item_id = final_rating.item_id
    where item.label_set = $label_set
        and final_rating.origin = $origin
        and ($source is null or item.source = $source)
    group by final_rating.item_id
),
lacking as (
    select item_id, count(distinct reviewer_id) as num_lacking
    from rating
    where origin = $origin and list_contains(verdicts, 'information_missing')
    group by item_id
)
select
    count(*) as num_items,
    count(judged.gold) as num_gold,
    count(*) filter (where judged.num_rejecting >= $threshold) as num_rejected,
    count(*) filter (where lacking.num_lacking >= $threshold) as num_lacking
from judged
left join lacking on lacking.item_id = judged.item_id
where judged.num_ratings >= 2

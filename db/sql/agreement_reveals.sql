-- How answers changed after the reveal: per item and reviewer, towards or away from what was shown.
-- $shown: gold, text or head; $by: item (how many items had the same counts), reviewer, or rating.
-- $label_set, $origin, $source (null: all)
with shown as (
    select
        item_id,
        reviewer_id,
        before,
        after,
        gold,
        case $shown when 'text' then "text" when 'head' then head else gold end as target
    from reveal
    anti join scratch.hidden_item($viewer) as hidden using (item_id)
    where label_set = $label_set
        and origin = $origin
        and ($source is null or source = $source)
),
judged as (
    select
        item_id,
        reviewer_id,
        before <> after as changed,
        accepts(before, target) as held,
        accepts(after, target) as holds,
        -- Right before, and shown something else: who follows it is led astray.
        coalesce(accepts(before, gold) and target <> gold and not held, false) as tempted,
        coalesce(accepts(after, gold), false) as is_right
    from shown
    where target is not null
),
counted as (
    select
        case when $by in ('reviewer', 'rating') then reviewer_id end as reviewer_id,
        case when $by in ('item', 'rating') then item_id end as item_id,
        count(*) as num_ratings,
        count(*) filter (where held) as num_held,
        count(*) filter (where held and not holds) as num_dropped,
        count(*) filter (where held and holds and changed) as num_amended,
        count(*) filter (where not held and holds) as num_adopted,
        count(*) filter (where not held and not holds and changed) as num_moved,
        count(*) filter (where tempted) as num_tempted,
        count(*) filter (where tempted and holds and not is_right) as num_misled
    from judged
    group by all
)
select
    * exclude (item_id),
    count(*) as num_items,
    case $by when 'rating' then item_id end as item_id
from counted
group by all
order by all

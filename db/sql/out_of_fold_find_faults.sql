-- What is wrong with the incoming probabilities, at most one fault each.
select run_id, item_id, fault
from (
    select
        p.run_id,
        p.item_id,
        case
            when item.item_id is null then 'there is no such item'
            when count(*) over (partition by p.run_id, p.item_id) > 1 then 'given twice out of fold'
            when len(p.probabilities) <> len(item.labels)
                then len(p.probabilities)::varchar || ' probabilities out of fold for '
                    || len(item.labels)::varchar || ' labels'
            when len(list_filter(p.probabilities, lambda x: x is null or not (x between 0 and 1))) > 0
                or (not item.is_several and abs(list_sum(p.probabilities) - 1) > 0.001)
                then 'probabilities out of fold that do not sum to 1'
        end as fault
    from incoming_out_of_fold as p
    left join seen_version as seen on seen.run_id = p.run_id and seen.item_id = p.item_id
    left join item_history as item
        on item.item_id = p.item_id and item.version = coalesce(seen.version, 1)
)
where fault is not null
order by run_id, item_id

-- $gold: 'imported' or 'record'; $split: null for all. Over the tables that scored_runs fills.
with counted as (
    select
        outcome.run_id,
        item.label_set,
        count(*) as n,
        count(*) filter (where has_text_outcome) as num_text,
        count(*) filter (where text_label = gold_label) as text_correct,
        count(head_label) as num_head,
        count(*) filter (where head_label = gold_label) as head_correct
    from scratch.outcome as outcome
    join (
        select
            item_no,
            label_set,
            case $gold when 'record' then record_label else imported_label end as gold_label
        from scratch.item
        anti join scratch.hidden_item($viewer) as hidden using (item_id)
        where $split::varchar is null or split = $split
    ) as item on item.item_no = outcome.item_no
    where gold_label is not null
    group by outcome.run_id, item.label_set
)
select counted.*
from counted
join run on run.run_id = counted.run_id
anti join retired_run on retired_run.run_id = counted.run_id
order by run.created_at desc, counted.run_id desc, counted.label_set

-- What a reviewer did since a moment, in one queue or anywhere; a row an item, then counted.
-- Times beyond ten minutes are those of a page left open, not of work. An item that is still hidden from
-- the viewer is compared with nothing.
with own_item as (
    select
        item_id,
        sum(duration_seconds) filter (where duration_seconds between 0 and 600) as seconds,
        last(labels order by annotation_number) as labels,
        first(old_label order by annotation_number) as old_label,
        coalesce(max(run_id), $run_id) as run_id,
        bool_or(answer is not null) as has_answer
    from kept_annotation
    anti join set_aside_item using (item_id)
    where
        reviewer_id = $reviewer_id
        and origin = 'review'
        and created_at >= $since::timestamp
        and ($queue_id::varchar is null or queue_id = $queue_id)
    group by item_id
),
compared as (
    select own_item.*, coalesce(text_label, head_label) as model_label, gold.label as gold_label
    from own_item
    anti join scratch.hidden_item($viewer) as hidden using (item_id)
    left join read_prediction using (run_id, item_id)
    left join gold using (item_id)
)
select
    (select count(*) from own_item) as num_items,
    (select coalesce(sum(seconds), 0) from own_item) as seconds,
    count(model_label) as num_compared,
    count(*) filter (where not list_contains(labels, model_label)) as num_differing,
    count(*) filter (where gold_label is distinct from old_label) as num_changed,
    count(*) filter (where has_answer) as num_answers
from compared

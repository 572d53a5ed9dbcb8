-- The answers of a run to items of one label set with one right label, and what is known of each: what the
-- correctness head weighs, what reviewers say (null: nothing, or they do not agree) and what the item is.
-- head: probabilities of the newest other run whose head has not learned from the item. agreeing: the share
-- of other models' newest runs that gave the same label.
with own as (
    select prediction.*, run.model
    from read_prediction as prediction
    join run on run.run_id = prediction.run_id
    where prediction.run_id = $run_id and prediction.text_label is not null
),
other as (
    select unseen.item_id, arg_max(unseen.probabilities, run.created_at) as probabilities
    from unseen_prediction as unseen
    join run on run.run_id = unseen.run_id
    where unseen.run_id <> $run_id and unseen.probabilities is not null
    group by unseen.item_id
),
newest as (
    select run.model, prediction.item_id, arg_max(prediction.text_label, run.created_at) as text_label
    from read_prediction as prediction
    join run on run.run_id = prediction.run_id
    where prediction.text_label is not null
    group by run.model, prediction.item_id
),
agreement as (
    select own.item_id, avg((newest.text_label = own.text_label)::integer) as agreeing
    from own
    join newest on newest.item_id = own.item_id and newest.model <> own.model
    group by own.item_id
)
select
    item.item_id,
    item.split,
    item.question,
    item.context,
    item.labels,
    item.options,
    known.labels as set_labels,
    own.answer,
    own.text_label,
    own.text_form,
    mine.probabilities as own_probabilities,
    other.probabilities as head_probabilities,
    agreement.agreeing,
    case when gold.origin in ('agreed', 'adjudicated') then gold.label end as reviewed_label
from own
join item on item.item_id = own.item_id
join gold on gold.item_id = item.item_id
left join current_label_set as known on known.name = item.label_set
left join unseen_prediction as mine on mine.run_id = $run_id and mine.item_id = item.item_id
left join other on other.item_id = item.item_id
left join agreement on agreement.item_id = item.item_id
where item.label_set = $label_set
    and not item.is_several
    and list_contains(item.labels, own.text_label)
order by item.item_id

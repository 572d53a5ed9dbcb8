-- What a head says of items that it has not learned from: only that can speak against a gold label.

-- Probabilities of items that a training run learned from or held out, from a head that was fitted
-- without them and what repeats them.
create table out_of_fold (
    run_id varchar not null,
    item_id varchar not null,
    basis varchar not null,             -- held_out: the rest of the model had not seen the item either;
                                        -- base_model: it had, so the head stands on the base model alone
    probabilities double[] not null,    -- in the order of the item's labels
    primary key (run_id, item_id)
);

-- Which items the model of a run has learned from: those of the run itself, or of the run that its
-- artifact comes from. A refit replaces the head, so of what lies before it only the adapter counts.
create view learned_item as
with recursive origin as (
    select run_id, run_id as origin_run_id, false as has_new_head from training_run
    union
    select
        origin.run_id,
        json_extract_string(training_run.settings, '$.settings.artifact_run_id'),
        has_new_head or json_extract_string(training_run.settings, '$.task') = 'refit'
    from origin
    join training_run on training_run.run_id = origin.origin_run_id
    where json_extract_string(training_run.settings, '$.settings.artifact_run_id') is not null
)
select distinct origin.run_id, training_record.item_id
from origin
join training_record on training_record.run_id = origin.origin_run_id
join training_run on training_run.run_id = origin.origin_run_id
where training_record.fold = 'train'
    and (not has_new_head or json_extract_string(training_run.settings, '$.task') = 'train');

-- Predictions with probabilities from a head that has not learned from the item: the run's own where
-- it has not (basis 'own'), else those out of fold, else none.
create view unseen_prediction as
select
    prediction.run_id,
    prediction.item_id,
    learned_item.item_id is not null as is_learned,
    case
        when out_of_fold.item_id is not null then out_of_fold.basis
        when learned_item.item_id is null and prediction.head_probabilities is not null then 'own'
    end as basis,
    case
        when out_of_fold.item_id is not null then out_of_fold.probabilities
        when learned_item.item_id is null then prediction.head_probabilities
    end as probabilities
from prediction
left join out_of_fold
    on out_of_fold.run_id = prediction.run_id and out_of_fold.item_id = prediction.item_id
left join learned_item
    on learned_item.run_id = prediction.run_id and learned_item.item_id = prediction.item_id;

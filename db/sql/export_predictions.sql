-- run_id: only this run's predictions; all where it is null.
select
    prediction.run_id,
    run.name as run_name,
    run.model,
    prediction.item_id,
    coalesce(seen_version.version, 1) as item_version,
    prediction.text_label as answer_label,
    prediction.text_form as answer_form,
    prediction.text_start as answer_start,
    prediction.text_end as answer_end,
    prediction.is_finished,
    prediction.answer,
    prediction.head_label,
    prediction.head_probabilities,
    prediction.prompt_tokens,
    prediction.answer_tokens,
    prediction.latency_seconds,
    gold.label as label_of_record
from read_prediction as prediction
anti join scratch.hidden_item($viewer) as hidden using (item_id)
left join run using (run_id)
left join seen_version using (run_id, item_id)
left join gold using (item_id)
where $run_id is null or prediction.run_id = $run_id
order by prediction.run_id, prediction.item_id

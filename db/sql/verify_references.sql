-- Rows that refer to what is not there.
select null::bigint as number, kind, row_key
from (
    select 'annotation' as kind, annotation_id as row_key from annotation
    where item_id not in (select item_id from imported_item)
        or reviewer_id not in (select reviewer_id from reviewer)
        or (run_id is not null and run_id not in (select run_id from run))
        or (queue_id is not null and queue_id not in (select queue_id from queue))
        or (
            retracted_annotation_id is not null
            and retracted_annotation_id not in (select annotation_id from annotation)
        )
    union all
    select 'adjudication', adjudication_id from adjudication
    where item_id not in (select item_id from imported_item)
        or reviewer_id not in (select reviewer_id from reviewer)
    union all
    select 'stored_prediction', run_id || '/' || item_id from stored_prediction
    where item_id not in (select item_id from imported_item) or run_id not in (select run_id from run)
    union all
    select 'answer_reading', run_id || '/' || item_id from answer_reading
    where (run_id, item_id) not in (select (run_id, item_id) from stored_prediction)
    union all
    select 'queue_item', queue_id || '/' || item_id from queue_item
    where item_id not in (select item_id from imported_item)
        or queue_id not in (select queue_id from queue)
    union all
    select 'queue_share', queue_id || '/' || item_id from queue_share
    where (queue_id, item_id) not in (select (queue_id, item_id) from queue_item)
        or reviewer_id not in (select reviewer_id from reviewer)
    union all
    select 'acceptance_rule', rule_id from acceptance_rule
    where run_id not in (select run_id from run) or created_by not in (select reviewer_id from reviewer)
    union all
    select 'accepted_item', rule_id || '/' || item_id from accepted_item
    where rule_id not in (select rule_id from acceptance_rule)
        or item_id not in (select item_id from imported_item)
    union all
    select 'item_version', item_id || '/' || version::varchar from item_version
    where item_id not in (select item_id from imported_item)
    union all
    select 'reviewer_change', reviewer_id from reviewer_change
    where reviewer_id not in (select reviewer_id from reviewer)
    union all
    select 'model_version', run_id from model_version where run_id not in (select run_id from run)
    union all
    select 'signature', signed_kind || '/' || signed_id from signature
    where reviewer_id not in (select reviewer_id from reviewer)
)
order by kind, row_key

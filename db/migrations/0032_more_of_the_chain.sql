-- Tables that joined the chain later: of each, db/chain.py begins with a link "joined", whose key has table
-- and time, and a link for what was stored before. As in 0028: key, place and what a digest is made of.

create view evidence_queue_share as
select
    queue_id || '/' || item_id || '/' || reviewer_id || '/' || deal::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'deal', deal,
        'item_id', item_id,
        'queue_id', queue_id,
        'reviewer_id', reviewer_id
    ))::varchar as body
from queue_share;

create view evidence_acceptance_rule as
select
    rule_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'confidence_level', format('{:.17g}', confidence_level),
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'created_by', created_by,
        'label_set', label_set,
        'num_above', num_above,
        'num_errors', num_errors,
        'num_reviewed', num_reviewed,
        'queue_id', queue_id,
        'review_share', format('{:.17g}', review_share),
        'risk', format('{:.17g}', risk),
        'rule_id', rule_id,
        'run_id', run_id,
        'source', source,
        'split', split,
        'threshold', format('{:.17g}', threshold)
    ))::varchar as body
from acceptance_rule;

create view evidence_accepted_item as
select
    rule_id || '/' || item_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'item_id', item_id,
        'label', label,
        'rule_id', rule_id
    ))::varchar as body
from accepted_item;

create view evidence_acceptance_event as
select
    event_number::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'action', action,
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'event_number', event_number,
        'num_errors', num_errors,
        'num_reviewed', num_reviewed,
        'reason', reason,
        'reviewer_id', reviewer_id,
        'rule_id', rule_id
    ))::varchar as body
from acceptance_event;

create view evidence_bulk_item as
select
    batch_id || '/' || item_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'annotation_id', annotation_id,
        'batch_id', batch_id,
        'item_id', item_id
    ))::varchar as body
from bulk_item;

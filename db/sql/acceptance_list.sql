-- Rules, newest first, each with what the reviews of its drawn accepted items found. Reviewers who do not
-- agree count as an error. $run_id: null for all.
with found as (
    select
        rule.rule_id,
        count(*) as num_reviewed,
        count(*) filter (
            where accepted_item.label
                is distinct from case when gold.origin in ('agreed', 'adjudicated') then gold.label end
        ) as num_errors
    from acceptance_rule as rule
    join queue_item on queue_item.queue_id = rule.queue_id
    join accepted_item
        on accepted_item.rule_id = rule.rule_id and accepted_item.item_id = queue_item.item_id
    join gold on gold.item_id = queue_item.item_id
    where queue_item.item_id in (
        select item_id from kept_annotation
        where origin = 'review' and created_at >= rule.created_at
    )
    group by rule.rule_id
)
select
    rule.rule_id, rule.run_id, rule.label_set, rule.source, rule.split, rule.risk,
    rule.confidence_level, rule.threshold, rule.num_reviewed, rule.num_above, rule.num_errors,
    rule.review_share, rule.queue_id, rule.created_by, rule.created_at,
    (select count(*) from accepted_item where accepted_item.rule_id = rule.rule_id) as num_accepted,
    rule.action, rule.reason, rule.changed_at,
    coalesce(found.num_reviewed, 0) as num_audited,
    coalesce(found.num_errors, 0) as num_audit_errors
from current_acceptance as rule
left join found on found.rule_id = rule.rule_id
where $run_id is null or rule.run_id = $run_id
order by rule.created_at desc, rule.rule_id

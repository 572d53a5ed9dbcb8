insert into accepted_item by name
select $rule_id as rule_id, item_id, label from incoming_target

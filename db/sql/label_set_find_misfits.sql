-- New items whose label set is stored with other labels: at most one fault each.
select
    incoming_item.item_id,
    'labels are ' || incoming_item.labels::varchar || ', label set ' || incoming_item.label_set
    || ' has ' || list_transform(known.labels, lambda label: label.name)::varchar
from incoming_item
join current_label_set as known on known.name = incoming_item.label_set
anti join imported_item on imported_item.item_id = incoming_item.item_id
where incoming_item.labels <> list_transform(known.labels, lambda label: label.name)
order by incoming_item.item_id

-- New items whose label set is stored with other labels: at most one fault each.
select
    incoming_item.item_id,
    case when incoming_item.is_several <> (known.kind = 'several')
        then if(known.kind = 'several', 'has one right label', 'has several right labels') || ', label set '
            || incoming_item.label_set || ' is ' || known.kind
    else 'labels are ' || incoming_item.labels::varchar || ', label set ' || incoming_item.label_set
    || ' has ' || list_transform(known.labels, lambda label: label.name)::varchar end
from incoming_item
join current_label_set as known on known.name = incoming_item.label_set
anti join imported_item on imported_item.item_id = incoming_item.item_id
where incoming_item.is_several <> (known.kind = 'several')
    or incoming_item.labels <> list_transform(known.labels, lambda label: label.name)
order by incoming_item.item_id

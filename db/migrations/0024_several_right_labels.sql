-- Items of which several labels may be right. Every label of such an item is a set: its labels in the
-- item's order, each ended by U+001F, so that equal sets are equal texts and none equals a single label.

alter table imported_item add column is_several boolean default false;
alter table item_version add column is_several boolean default false;

-- What labels given to an item are as its one label; null for none, or several where one is right.
create macro label_of(given, is_several) as
    case
        when is_several
            then nullif(array_to_string(list_transform(given, lambda one: one || chr(31)), ''), '')
        when len(given) = 1 then given[1]
    end;

-- The labels that a label stands for.
create macro labels_in(label) as
    case
        when label is null then []::varchar[]
        when contains(label, chr(31)) then string_split(label, chr(31))[:-2]
        else [label]
    end;

-- Whether a judgement accepts a label: it is among its labels, or is the same set.
create macro accepts(given, label) as
    case
        when contains(label, chr(31)) then list_sort(given) = list_sort(labels_in(label))
        else list_contains(given, label)
    end;

-- Whether a label may be one of an item: a set of its labels in their order, where several may be right.
create macro allows_label(labels, is_several, label) as
    case
        when is_several
            then label_of(list_filter(labels, lambda one: list_contains(labels_in(label), one)), true) = label
        else list_contains(labels, label)
    end;

-- A label after the labels of its set changed: before[i] became moved[i], null where it is retired, and
-- the labels of now are in the order of "after". Null where the label, or one of a set, is retired.
create macro moved_label(label, before, moved, after) as
    case
        when not contains(label, chr(31)) then moved[list_position(before, label)]
        when list_contains(
            list_transform(labels_in(label), lambda one: moved[list_position(before, one)] is null), true
        ) then null
        else label_of(
            list_filter(after, lambda kept: list_contains(
                list_transform(labels_in(label), lambda one: moved[list_position(before, one)]), kept
            )),
            true
        )
    end;

create or replace view item_history as
select
    item_id, source, question, context, label_set, labels, options, gold_label, long_answer, split,
    metadata, is_several, 1 as version
from imported_item
union all
select
    item_id, source, question, context, label_set, labels, options, gold_label, long_answer, split,
    metadata, is_several, version
from item_version;

create or replace view every_item as
select
    imported_item.item_id,
    imported_item.source,
    case when later.version is null then imported_item.question else later.question end as question,
    case when later.version is null then imported_item.context else later.context end as context,
    case when later.version is null then imported_item.label_set else later.label_set end as label_set,
    case when later.version is null then imported_item.labels else later.labels end as labels,
    case when later.version is null then imported_item.options else later.options end as options,
    case when later.version is null then imported_item.gold_label else later.gold_label end as gold_label,
    case when later.version is null then imported_item.long_answer else later.long_answer end as long_answer,
    case when later.version is null then imported_item.split else later.split end as split,
    case when later.version is null then imported_item.is_several else later.is_several end as is_several,
    imported_item.metadata,
    imported_item.origin,
    concat_ws('/', imported_item.content_hash, later.version) as content_hash,
    imported_item.created_at,
    imported_item.rowid as arrival,     -- rises with the order of arrival
    coalesce(later.version, 1) as version
from imported_item
left join (
    from item_version
    qualify row_number() over (partition by item_id order by version desc) = 1
) as later on later.item_id = imported_item.item_id;

create or replace view item as
from every_item anti join set_aside_item using (item_id);

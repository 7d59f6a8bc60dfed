"""How the page of an export looks: on a screen, a phone and paper, by day and by night."""

from typing import Final

ON_A_PHONE: Final = "@media (max-width:44rem)"
STYLE: Final = """
:root{color-scheme:light dark;--line:#d6d9de;--quiet:#535b68;--text:#1a1f27;--page:#fff;--soft:#f5f6f7}
@media (prefers-color-scheme:dark){
:root{--line:#313843;--quiet:#a9b2c2;--text:#e6e8ec;--page:#191d23;--soft:#20252d}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"PingFang SC","Microsoft YaHei",
"Noto Sans CJK SC",sans-serif;
margin:0;color:var(--text);background:var(--page);font-variant-numeric:tabular-nums}
main{max-width:90rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .5rem;text-wrap:balance}
h2{font-size:1.15rem;margin:0 0 .75rem}
h2 span,nav span{font-weight:400;font-size:.85rem;color:var(--quiet)}
.lead,.missing{max-width:46rem;color:var(--quiet)}
nav{margin:1.5rem 0;padding:1rem 1.25rem;background:var(--soft);border-radius:.5rem}
nav h2{font-size:1rem;margin-bottom:.25rem}
nav ol{margin:0;padding-left:1.5rem;columns:18rem;column-gap:3rem}
nav li{break-inside:avoid;padding:.1rem 0}
a{color:inherit;text-underline-offset:.2em}
section{margin-top:2.5rem;padding-top:1.25rem;border-top:1px solid var(--line)}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));gap:.75rem 1.5rem;margin:0}
dt{font-size:.8rem;color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.85rem}
th,td{padding:.35rem .75rem .35rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--quiet);white-space:nowrap}
td{min-width:5.5rem;overflow-wrap:break-word}
.n{text-align:right;min-width:0}
time{white-space:nowrap}td:has(ul){min-width:20rem}
td li{display:inline}td li:not(:last-child)::after{content:"; "}:lang(zh) td li:not(:last-child)::after{content:"；"}
ul{margin:0;padding:0;list-style:none}li b{font-weight:400;color:var(--quiet)}li b::after{content:": "}
:lang(zh) li b::after{content:"："}
@media (max-width:44rem){
main{padding:1.25rem .875rem 3rem}thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
table,tbody,tr{display:block}tr{padding:.6rem 0;border-bottom:1px solid var(--line)}
td{display:grid;grid-template-columns:7rem minmax(0,1fr);gap:.75rem;padding:.1rem 0;border:0;
text-align:left;overflow-wrap:anywhere}
td.n{text-align:left}td li{display:block}td li:not(:last-child)::after{content:none!important}
td:empty{display:none}td::before{font-size:.8rem;color:var(--quiet)}td>*{min-width:0}
}
@media print{
:root{--text:#000;--page:#fff;--quiet:#444;--line:#bbb;--soft:#fff}
body{font-size:10pt}main{max-width:none;padding:0}nav{border:1px solid var(--line)}
.scroll{overflow:visible}table{font-size:7.5pt}td,td:has(ul){min-width:0}th,time{white-space:normal}
thead{display:table-header-group}tr,dl div{break-inside:avoid}h2{break-after:avoid}
@page{size:A4 landscape;margin:14mm}
}
"""
